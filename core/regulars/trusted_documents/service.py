"""Register documents, and take them back."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.errors import NotFound
from regulars.events.service import record_event
from regulars.inserts import insert_new
from regulars.tables import new_id
from regulars.trusted_documents.hashes import document_hash
from regulars.trusted_documents.models import TrustedDocument

__all__ = ["list_documents", "register_document", "remove_document"]

LONGEST_NAME = 200


async def register_document(
    session: AsyncSession, *, text: str, name: str, actor: Actor, now: datetime
) -> TrustedDocument:
    """Return the document of this text: a new one, or the one that is registered already.

    Whether the text is a document that the schema knows is for the caller to check.
    """
    row = {
        "id": new_id(),
        "sha256": document_hash(text),
        "name": name[:LONGEST_NAME],
        "text": text,
        "registered_by": actor.label,
        "registered_at": now,
    }
    new = await insert_new(session, TrustedDocument, [row], unless_taken=["sha256"])
    if new:
        await _tell(session, "trusted_document.registered", new[0].id, {"sha256": new[0].sha256}, actor, now)
        return new[0]
    known = select(TrustedDocument).where(col(TrustedDocument.sha256) == row["sha256"])
    return (await session.scalars(known)).one()


async def remove_document(session: AsyncSession, *, sha256: str, actor: Actor, now: datetime) -> TrustedDocument:
    """Forget a document, and return it as it was; raises ``NotFound``."""
    gone = delete(TrustedDocument).where(col(TrustedDocument.sha256) == sha256).returning(TrustedDocument)
    found = (await session.scalars(gone)).one_or_none()
    if found is None:
        raise NotFound("trusted document", sha256, path=("documentId",))
    await _tell(session, "trusted_document.removed", found.id, {"sha256": sha256}, actor, now)
    return found


async def list_documents(session: AsyncSession) -> list[TrustedDocument]:
    """Return every document, by name."""
    query = select(TrustedDocument).order_by(col(TrustedDocument.name), col(TrustedDocument.sha256))
    return list(await session.scalars(query))


async def _tell(
    session: AsyncSession, type: str, id: UUID, facts: Mapping[str, str], actor: Actor, now: datetime
) -> None:
    subject = f"trusted_document:{id}"
    await record_event(session, type=type, subject=subject, actor=actor.label, data=dict(facts), now=now)
