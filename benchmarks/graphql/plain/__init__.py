"""A plain strawberry server over the same tables, as one would write it by hand."""
