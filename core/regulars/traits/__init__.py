"""Traits: named facts about a customer, each with its provenance."""
