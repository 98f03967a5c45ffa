"""Exports: customers and touchpoints as files."""
