"""The server's secret, under which keys are hashed."""

import secrets

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.access.models import Secret

__all__ = ["SERVER_SECRET", "ensure_server_secret"]

SERVER_SECRET = "server"  # noqa: S105  # a name, not a secret
"""The name of the secret that the database keeps."""


async def ensure_server_secret(session: AsyncSession, *, configured: str) -> str:
    """Return the configured secret; without one, the secret that the database keeps, made at the first call.

    Several processes may start at once: the first to write wins, and all get the same secret.
    """
    if configured:
        return configured
    kept = await session.get(Secret, SERVER_SECRET)
    if kept is None:
        try:
            async with session.begin_nested():
                session.add(Secret(name=SERVER_SECRET, value=secrets.token_urlsafe(48)))
        except IntegrityError:
            pass
        kept = await session.get_one(Secret, SERVER_SECRET)
    return kept.value
