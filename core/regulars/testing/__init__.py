"""Testing: what a plugin author needs to test a plugin."""
