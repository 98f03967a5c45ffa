"""Outgoing requests: the one way in which Regulars and its plugins reach other machines over HTTP."""
