"""The query planner: one SQL statement for a whole operation, which returns the answer as JSON."""
