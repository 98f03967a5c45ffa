"""What a key looks like, and how it is kept: pure functions without a database."""

import hmac
import secrets
import string
from zlib import crc32

__all__ = ["KEY_PREFIX", "hash_key", "hint_of", "is_well_formed", "new_key"]

KEY_PREFIX = "rgl_"
RANDOM_LENGTH = 37
CHECKSUM_LENGTH = 6
HINT_LENGTH = 8
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
LETTERS = frozenset(ALPHABET)


def new_key() -> str:
    """Return a new key: ``rgl_``, 37 random characters (220 bits), and a checksum of 6 characters."""
    random = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return f"{KEY_PREFIX}{random}{_checksum(random)}"


def is_well_formed(key: str) -> bool:
    """Tell whether this can be a key at all; a typing error or a cut end is found without asking the database."""
    if len(key) != len(KEY_PREFIX) + RANDOM_LENGTH + CHECKSUM_LENGTH or not key.startswith(KEY_PREFIX):
        return False
    random, checksum = key[len(KEY_PREFIX) : -CHECKSUM_LENGTH], key[-CHECKSUM_LENGTH:]
    return LETTERS.issuperset(random) and checksum == _checksum(random)


def hash_key(key: str, *, secret: str) -> str:
    """Return what is kept of a key: HMAC-SHA256 under the server's secret, in hexadecimal digits."""
    return hmac.digest(secret.encode(), key.encode(), "sha256").hex()


def hint_of(key: str) -> str:
    """Return the beginning of a key, enough for people to recognise it and too little to guess it."""
    return f"{key[:HINT_LENGTH]}…"


def _checksum(random: str) -> str:
    remainder, digits = crc32(random.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        remainder, digit = divmod(remainder, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
