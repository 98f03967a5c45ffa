"""Fields: how a GraphQL field says how it is obtained, for the core and for plugins alike."""
