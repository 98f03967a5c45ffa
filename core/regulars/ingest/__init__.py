"""Ingest: customers and touchpoints from files."""
