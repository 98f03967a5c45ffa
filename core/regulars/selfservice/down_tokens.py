"""Tokens for links in messages: each names a customer and what it can stop, opens nothing else, and never expires."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from uuid import UUID

from regulars.selfservice.refusals import LinkUnknown

__all__ = ["DownToken", "read_down_token", "write_down_token"]

VERSION = 1
ID_LENGTH = 16
MAC_LENGTH = 16
LONGEST = 600
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
    return urlsafe_b64encode(_mac(content, secret) + content).rstrip(b"=").decode()


def read_down_token(text: str, *, secret: str) -> DownToken:
    """Return what the token in a link says; raises ``LinkUnknown`` when it was forged, altered or cut."""
    content = _signed_content(text, secret)
    scope = content[1 + ID_LENGTH :].decode().split("\0")
    if content[0] != VERSION or len(scope) != len(("purpose", "channel", "topic")):
        raise LinkUnknown
    return DownToken(UUID(bytes=content[1 : 1 + ID_LENGTH]), *scope)


def _signed_content(text: str, secret: str) -> bytes:
    try:
        signed = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (UnicodeEncodeError, NotBase64, ValueError) as error:
        raise LinkUnknown from error
    mac, content = signed[:MAC_LENGTH], signed[MAC_LENGTH:]
    is_one_spelling = urlsafe_b64encode(signed).rstrip(b"=").decode() == text
    if len(text) > LONGEST or not is_one_spelling or not hmac.compare_digest(mac, _mac(content, secret)):
        raise LinkUnknown
    return content


def _mac(content: bytes, secret: str) -> bytes:
    return hmac.digest(secret.encode(), LABEL + content, "sha256")[:MAC_LENGTH]
