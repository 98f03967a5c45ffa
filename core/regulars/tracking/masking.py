"""Show the shape of a message without what it says about anybody; pure."""

import re
from collections.abc import Mapping

__all__ = ["masked", "without_addresses"]

MAIL_ADDRESS = re.compile(r"[^\s'\"@]{1,64}@[^\s'\"@]{1,255}")

SHOWN = frozenset({"type", "event", "messageId", "timestamp", "originalTimestamp", "sentAt", "channel"})
"""What a message says about itself, on its first level."""

LONGEST_SHOWN = 100
MOST_ENTRIES = 50
DEEPEST = 6


def without_addresses(text: str, *, longest: int = LONGEST_SHOWN) -> str:
    """Return the beginning of a text without e-mail addresses, and without NUL, which PostgreSQL does not keep."""
    return MAIL_ADDRESS.sub("‹pii:email›", text[:longest].replace("\x00", ""))


def masked(body: object) -> object:
    """Return the message with a word in place of every value, and with the names of values as they are."""
    if not isinstance(body, Mapping):
        return _masked(body, 0)
    return {
        without_addresses(str(name)): _shown(value) if name in SHOWN else _masked(value, 1)
        for name, value in list(body.items())[:MOST_ENTRIES]
    }


def _shown(value: object) -> object:
    return without_addresses(value) if isinstance(value, str) else _masked(value, 1)


def _masked(value: object, depth: int) -> object:
    if isinstance(value, Mapping):
        if depth == DEEPEST:
            return "‹object›"
        return {
            without_addresses(str(name)): _masked(inner, depth + 1)
            for name, inner in list(value.items())[:MOST_ENTRIES]
        }
    if isinstance(value, list):
        return f"‹list of {len(value)}›"
    if isinstance(value, str):
        return f"‹text of {len(value)}›"
    if isinstance(value, bool):
        return "‹yes or no›"
    return None if value is None else "‹number›"
