"""Tokens for links in messages: each names a customer and what it can stop, opens nothing else, and never expires."""

from dataclasses import dataclass
from uuid import UUID

from regulars.selfservice.refusals import LinkUnknown
from regulars.selfservice.signed import read_signed, write_signed

__all__ = ["DownToken", "read_down_token", "write_down_token"]

VERSION = 1
ID_LENGTH = 16
LABEL = b"regulars down token\0"


@dataclass(frozen=True)
class DownToken:
    """Whose link it is, and what a click on it stops: a purpose on a channel about a topic; ``*`` is all of them."""

    customer_id: UUID
    purpose: str = "*"
    channel: str = "*"
    topic: str = "*"


def write_down_token(token: DownToken, *, secret: str) -> str:
    """Return the token as it stands in a link: the letters, digits, ``-`` and ``_`` of base64url, up to 600."""
    scope = "\0".join((token.purpose, token.channel, token.topic)).encode()
    content = bytes([VERSION]) + token.customer_id.bytes + scope
    return write_signed(LABEL, content, secret=secret)


def read_down_token(text: str, *, secret: str) -> DownToken:
    """Return what the token in a link says; raises ``LinkUnknown`` when it was forged, altered or cut."""
    content = read_signed(LABEL, text, secret=secret)
    scope = content[1 + ID_LENGTH :].decode().split("\0")
    if content[0] != VERSION or len(scope) != len(("purpose", "channel", "topic")):
        raise LinkUnknown
    return DownToken(UUID(bytes=content[1 : 1 + ID_LENGTH]), *scope)
