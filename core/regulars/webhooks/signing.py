"""Derive the secrets of webhooks, and sign what is sent under them.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, 1.0.0.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

__all__ = ["derived_secret", "secret_text", "signed_headers"]

PURPOSE = b"regulars webhook secret "


def derived_secret(server_secret: str, secret_id: UUID) -> bytes:
    """Return the 32 bytes of the secret of this name; only whoever has the server's secret can."""
    return hmac.digest(server_secret.encode(), PURPOSE + secret_id.bytes, "sha256")


def secret_text(secret: bytes) -> str:
    """Return the secret as receivers take it: ``whsec_`` and base64."""
    return f"whsec_{b64encode(secret).decode('ascii')}"


def signed_headers(secrets: Iterable[bytes], *, event_id: UUID, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers by which a receiver knows the event, the moment of the attempt, and that we sent it.

    There is a signature for each secret, so that one can be replaced without a delivery being refused.
    """
    timestamp = str(int(now.timestamp()))
    signed = f"{event_id}.{timestamp}.".encode() + body
    signatures = [f"v1,{b64encode(hmac.digest(secret, signed, 'sha256')).decode('ascii')}" for secret in secrets]
    return {
        "webhook-id": str(event_id),
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }
