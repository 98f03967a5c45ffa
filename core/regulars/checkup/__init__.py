"""Check-up: look at everything that a server needs, and say what to do next."""
