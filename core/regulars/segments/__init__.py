"""Segments: saved filters over customers."""
