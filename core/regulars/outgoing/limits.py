"""Say how far a request may go: ports, redirects, time and size."""

from dataclasses import dataclass

__all__ = ["ANSWERS", "FEEDS", "RequestLimits"]

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True)
class RequestLimits:
    """What one request may cost, the redirects that it follows included.

    ``ports`` maps a scheme to the one port on which it is spoken. ``largest_reply_bytes`` counts after decompression.
    """

    ports: tuple[tuple[str, int], ...] = (("https", 443),)
    redirects: int = 0
    seconds: float = 10.0
    largest_reply_bytes: int = 2 * MIB


ANSWERS = RequestLimits()
"""For services: encrypted, no redirects, 10 seconds, 2 MiB."""

FEEDS = RequestLimits(ports=(("https", 443), ("http", 80)), redirects=3)
"""For what people publish: also unencrypted, and up to 3 redirects, each checked anew."""
