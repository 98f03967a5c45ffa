"""Find the key of the suppression list, and keep to it: under another key, nobody on the list would be recognised."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.models import Secret
from regulars.access.server_secret import SERVER_SECRET, ensure_server_secret
from regulars.errors import ConfigurationError
from regulars.inserts import insert_new
from regulars.suppressions.addresses import AddressKey

__all__ = ["OtherListSecret", "address_key", "ensure_address_key"]

PINNED = "suppressions"
REMEMBERED = "regulars_address_key"


class OtherListSecret(ConfigurationError):
    """The suppression list was written under a secret that the server does not have."""

    code = "OTHER_LIST_SECRET"

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        super().__init__(
            "The suppression list was written under another secret, so nobody on it would be recognised."
            " Set REGULARS_SECRET to the secret of that time, or add that one to REGULARS_FORMER_SECRETS."
        )


async def address_key(session: AsyncSession) -> AddressKey | None:
    """Return the key of the list; None while there is no list yet.

    Raises ``OtherListSecret`` when the list was written under a secret that is not configured.
    """
    remembered: AddressKey | None = session.info.get(REMEMBERED)
    if remembered is not None:
        return remembered
    kept = dict(
        (
            await session.execute(
                select(col(Secret.name), col(Secret.value)).where(col(Secret.name).in_((PINNED, SERVER_SECRET)))
            )
        ).all()
    )
    if PINNED not in kept:
        return None
    secrets = (*_configured(session), *([kept[SERVER_SECRET]] if SERVER_SECRET in kept else ()))
    for secret in secrets:
        key = AddressKey.of(secret)
        if key.fingerprint == kept[PINNED]:
            session.info[REMEMBERED] = key
            return key
    raise OtherListSecret(kept[PINNED])


async def ensure_address_key(session: AsyncSession) -> AddressKey:
    """Return the key of the list; the first call ties the list to the secret that the server has now.

    Several processes may start at once: the first to write wins. Raises ``OtherListSecret`` as ``address_key``.
    """
    if (key := await address_key(session)) is not None:
        return key
    secret = await ensure_server_secret(session, configured=next(iter(_configured(session)), ""))
    own = AddressKey.of(secret)
    row = {"name": PINNED, "value": own.fingerprint}
    if not await insert_new(session, Secret, [row], unless_taken=["name"]):
        own = await address_key(session) or own  # what was written first
    session.info[REMEMBERED] = own
    return own


def _configured(session: AsyncSession) -> Sequence[str]:
    secrets: Sequence[str] = session.get_bind().get_execution_options().get("regulars_secrets", ())
    return secrets
