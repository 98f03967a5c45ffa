"""Migrations of the core's tables, and the environment in which every owner's migrations run."""
