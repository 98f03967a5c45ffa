"""The server's secret, under which keys are hashed."""

import secrets

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.models import Secret
from regulars.inserts import insert_new

__all__ = ["SERVER_SECRET", "ensure_server_secret"]

SERVER_SECRET = "server"  # noqa: S105  # a name, not a secret
"""The name of the secret that the database keeps."""


async def ensure_server_secret(session: AsyncSession, *, configured: str) -> str:
    """Return the configured secret; without one, the secret that the database keeps, made at the first call.

    Several processes may start at once: the first to write wins, and all get the same secret.
    """
    if configured:
        return configured
    find = select(col(Secret.value)).where(col(Secret.name) == SERVER_SECRET)
    kept = await session.scalar(find)
    if kept is not None:
        return kept
    row = {"name": SERVER_SECRET, "value": secrets.token_urlsafe(48)}
    made = await insert_new(session, Secret, [row], unless_taken=["name"])
    return made[0].value if made else (await session.scalars(find)).one()
