"""Tracking: messages of sites and apps, in the Segment protocol."""
