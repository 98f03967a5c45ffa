"""Loyalty cards: points on every order."""
