"""Proofs that somebody reads the mail of an address: sent there, and understood by nobody on the way."""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from regulars.customers.identities import Identity
from regulars.selfservice.refusals import LinkUnknown

__all__ = ["PROOF_LIFETIME", "read_address_proof", "write_address_proof"]

PROOF_LIFETIME = timedelta(hours=1)
NONCE_BYTES = 12
LONGEST = 1500
LABEL = b"regulars address proof\0"


def write_address_proof(identity: Identity, *, purpose: str, secret: str, now: datetime) -> str:
    """Return a proof for a link to this address, which holds for an hour and for one purpose, in base64url.

    It is encrypted, so that no log of addresses on the web tells whose it is.
    """
    ends = str(int((now + PROOF_LIFETIME).timestamp()))
    content = "\0".join((ends, identity.kind, identity.source, identity.normalised, identity.value))
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(_key(secret)).encrypt(nonce, content.encode(), purpose.encode())
    return urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()


def read_address_proof(text: str, *, purpose: str, secret: str, now: datetime) -> Identity:
    """Return the address that is proved; raises ``LinkUnknown`` for a proof that is forged, old or of another use."""
    if len(text) > LONGEST:
        raise LinkUnknown
    try:
        sealed = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        opened = AESGCM(_key(secret)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], purpose.encode())
    except (UnicodeEncodeError, NotBase64, ValueError, InvalidTag) as error:
        raise LinkUnknown from error
    ends, kind, source, normalised, value = opened.decode().split("\0")
    if datetime.fromtimestamp(int(ends), tz=UTC) <= now:
        raise LinkUnknown
    return Identity(kind=kind, value=value, normalised=normalised, source=source)


def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), LABEL, "sha256")
