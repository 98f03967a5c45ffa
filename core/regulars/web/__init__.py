"""Web: the server's routes."""
