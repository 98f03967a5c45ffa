"""Set up, from the settings, what takes the messages of each channel out of the house."""

from base64 import b64decode
from binascii import Error as NotBase64
from pathlib import Path

from regulars.clock import Clock
from regulars.errors import ConfigurationError
from regulars.messages.deliveries import Deliveries, Delivery
from regulars.messages.handing_off import FileDelivery, SignedDelivery
from regulars.outgoing.client import Outgoing
from regulars.settings import Settings

__all__ = ["open_deliveries"]

SECRET_PREFIX = "whsec_"  # noqa: S105  # how a secret begins


def open_deliveries(settings: Settings, *, outgoing: Outgoing, clock: Clock) -> Deliveries:
    """Return the delivery of each channel that has one; a folder comes before an address, and both before mail.

    Raises ``ConfigurationError`` for settings that do not go together.
    """
    deliveries: dict[str, Delivery] = {}
    if server := settings.mail_server.get_secret_value():
        if "@" not in settings.mail_from:
            raise ConfigurationError("REGULARS_MAIL_SERVER is set and nobody writes. Set REGULARS_MAIL_FROM.")
        from regulars.messages.smtp import SmtpDelivery, mail_server  # the libraries of mail are for nobody else

        deliveries["email"] = SmtpDelivery(mail_server(server), sender=settings.mail_from)
    if settings.signed_channels:
        if not settings.hand_off_url:
            raise ConfigurationError("REGULARS_SIGNED_CHANNELS is set without an address. Set REGULARS_HAND_OFF_URL.")
        secret = _secret(settings.hand_off_secret.get_secret_value())
        signed = SignedDelivery(outgoing, url=settings.hand_off_url, secret=secret, clock=clock)
        deliveries |= dict.fromkeys(settings.signed_channels, signed)
    folder = FileDelivery(Path(settings.hand_off_folder))
    return deliveries | dict.fromkeys(settings.hand_off_channels, folder)


def _secret(text: str) -> bytes:
    try:
        secret = b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except NotBase64:
        secret = b""
    if not text.startswith(SECRET_PREFIX) or not secret:
        raise ConfigurationError("REGULARS_HAND_OFF_SECRET is no secret for signatures. Write whsec_ and base64.")
    return secret
