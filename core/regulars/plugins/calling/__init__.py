"""Calls of plugins' code: contained, watched, checked, recorded, and stopped where they keep failing."""
