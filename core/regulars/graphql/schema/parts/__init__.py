"""Parts of the schema that depend on all other parts: filters over segments, traits and touchpoints."""
