"""The one schema: parts of the core and of plugins put together, with filters and orders derived from them."""
