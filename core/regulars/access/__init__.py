"""Access: actors, keys, roles and permissions."""
