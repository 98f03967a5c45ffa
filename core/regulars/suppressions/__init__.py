"""Whom and what to leave alone: the one list of addresses and people that are suppressed."""
