"""Webhooks: tell other systems what changed, signed, tried again, and explained attempt by attempt."""
