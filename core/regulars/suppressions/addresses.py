"""Turn addresses into what the list keeps of them: hashes under a key that lies outside the list."""

import hmac
import unicodedata
from dataclasses import dataclass

from regulars.customers.identities import Identity, read_identity

__all__ = ["AddressKey", "address_on_channel"]

PURPOSE = b"regulars suppression list 1"
KIND_OF_CHANNEL = {"email": "email", "sms": "phone", "voice": "phone", "whatsapp": "phone"}


@dataclass(frozen=True)
class AddressKey:
    """The key under which addresses are hashed; ``fingerprint`` tells keys apart and gives none away."""

    key: bytes
    fingerprint: str

    @classmethod
    def of(cls, secret: str) -> "AddressKey":
        """Return the key that follows from a secret of the server."""
        key = hmac.digest(secret.encode(), PURPOSE, "sha256")
        return cls(key, hmac.digest(key, b"fingerprint", "sha256").hex()[:32])

    def hash(self, identity: Identity) -> str:
        """Return HMAC-SHA-256 of the address in its normalised form, in hexadecimal digits."""
        parts = (identity.kind, identity.source, identity.normalised)
        said = "\x1f".join(parts)  # no part can hold this control character
        return hmac.digest(self.key, said.encode(), "sha256").hex()


def address_on_channel(channel: str, address: str) -> Identity:
    """Return the address of a message, read as its channel's addresses are: by e-mail, by telephone, or as it stands.

    Raises ``InvalidInput`` for what has not the form of its channel's addresses.
    """
    kind = KIND_OF_CHANNEL.get(channel)
    if kind is not None:
        return read_identity(kind, address)
    text = unicodedata.normalize("NFC", address).strip()
    return Identity(kind="address", value=text, normalised=text.casefold(), source=channel)
