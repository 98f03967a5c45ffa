"""A plugin as a third party would write it, with one field that is SQL and one that is Python."""
