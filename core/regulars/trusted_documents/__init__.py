"""Trusted documents: GraphQL documents that were registered beforehand, and are asked for by their hash."""
