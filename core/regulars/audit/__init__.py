"""Audit: who changed what and why, chained together with the consents so that nobody can rewrite either unseen."""
