"""Requests and answers as they travel: over HTTP, and over a WebSocket for subscriptions."""
