"""Show the shape of a message without what it says about anybody; pure."""

from collections.abc import Mapping

__all__ = ["masked"]

SHOWN = frozenset({"type", "event", "messageId", "timestamp", "originalTimestamp", "sentAt", "channel"})
"""What a message says about itself, on its first level."""

LONGEST_SHOWN = 100
MOST_ENTRIES = 50
DEEPEST = 6


def masked(body: object) -> object:
    """Return the message with a word in place of every value, and with the names of values as they are."""
    if not isinstance(body, Mapping):
        return _masked(body, 0)
    return {
        str(name)[:LONGEST_SHOWN]: _shown(value) if name in SHOWN else _masked(value, 1)
        for name, value in list(body.items())[:MOST_ENTRIES]
    }


def _shown(value: object) -> object:
    return value[:LONGEST_SHOWN].replace("\x00", "") if isinstance(value, str) else _masked(value, 1)


def _masked(value: object, depth: int) -> object:
    if isinstance(value, Mapping):
        if depth == DEEPEST:
            return "‹object›"
        return {
            str(name)[:LONGEST_SHOWN].replace("\x00", ""): _masked(inner, depth + 1)
            for name, inner in list(value.items())[:MOST_ENTRIES]
        }
    if isinstance(value, list):
        return f"‹list of {len(value)}›"
    if isinstance(value, str):
        return f"‹text of {len(value)}›"
    if isinstance(value, bool):
        return "‹yes or no›"
    return None if value is None else "‹number›"
