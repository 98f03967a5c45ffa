"""Contents of links that only this server can have written: base64url of a MAC and the content. Pure."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

from regulars.selfservice.refusals import LinkUnknown

__all__ = ["read_signed", "write_signed"]

MAC_LENGTH = 16
LONGEST = 600


def write_signed(label: bytes, content: bytes, *, secret: str) -> str:
    """Return the content as it stands in a link: the letters, digits, ``-`` and ``_`` of base64url, up to 600.

    What was written under one ``label`` cannot be read under another.
    """
    return urlsafe_b64encode(_mac(label, content, secret) + content).rstrip(b"=").decode()


def read_signed(label: bytes, text: str, *, secret: str) -> bytes:
    """Return the content in a link; raises ``LinkUnknown`` when it was forged, altered or cut."""
    try:
        signed = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (UnicodeEncodeError, NotBase64, ValueError) as error:
        raise LinkUnknown from error
    mac, content = signed[:MAC_LENGTH], signed[MAC_LENGTH:]
    is_one_spelling = urlsafe_b64encode(signed).rstrip(b"=").decode() == text
    if len(text) > LONGEST or not is_one_spelling or not hmac.compare_digest(mac, _mac(label, content, secret)):
        raise LinkUnknown
    return content


def _mac(label: bytes, content: bytes, secret: str) -> bytes:
    return hmac.digest(secret.encode(), label + content, "sha256")[:MAC_LENGTH]
