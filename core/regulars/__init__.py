"""Regulars: a plugin-based CRM extension server with a GraphQL API."""
