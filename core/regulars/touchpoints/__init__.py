"""Touchpoints: the append-only timeline of everything between a customer and the company."""
