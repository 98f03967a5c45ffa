"""Idempotency: a request that is sent again under the same key gets the same answer, and has one effect."""
