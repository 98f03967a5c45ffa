"""Keep in the database how far a file has been imported."""

from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from regulars.ingest.files import ImportFile, Position
from regulars.ingest.models import Import
from regulars.ingest.outcomes import Outcome
from regulars.ingest.plans import ImportPlan
from regulars.ingest.problems import ImportOvertaken
from regulars.inserts import insert_new
from regulars.tables import new_id

__all__ = ["begin_import", "hold_import", "move_import"]

COUNTS = ("records", "created", "updated", "unchanged", "rejected", "customers")


async def begin_import(
    session: AsyncSession, *, file: ImportFile, plan: ImportPlan, actor: str, again: bool, now: datetime
) -> Import:
    """Return the row of this file: a new one, or the one that tells where it stopped; ``again`` begins anew."""
    fingerprint = plan.fingerprint(file)
    row = {
        "id": new_id(),
        "kind": plan.mapping.kind,
        "file_name": file.path.name,
        "fingerprint": fingerprint,
        "read_bytes": file.begin.offset,
        "read_lines": file.begin.line,
        **dict.fromkeys((*COUNTS, "rejects_size"), 0),
        "created_by": actor,
        "created_at": now,
        "updated_at": now,
    }
    new = await insert_new(session, Import, [row], unless_taken=["fingerprint"])
    if new:
        return new[0]
    query = select(Import).where(col(Import.fingerprint) == fingerprint).with_for_update()
    known = (await session.scalars(query)).one()
    if again:
        known.read_bytes, known.read_lines = file.begin.offset, file.begin.line
        for name in (*COUNTS, "rejects_size"):
            setattr(known, name, 0)
        known.ended_at = None
        known.updated_at = now
    return known


async def hold_import(session: AsyncSession, *, id: UUID, at: Position) -> Import:
    """Return the row of an import, kept for this transaction; raise ``ImportOvertaken`` unless it stands ``at``."""
    held = await session.get_one(Import, id, with_for_update=True, populate_existing=True)
    if (held.read_bytes, held.ended_at) != (at.offset, None):
        raise ImportOvertaken(held.file_name)
    return held


def move_import(
    held: Import, *, to: Position, records: int, outcome: Outcome, rejects: Path, rejects_size: int, now: datetime
) -> None:
    """Note that everything before a position is done."""
    held.read_bytes, held.read_lines = to.offset, to.line
    held.records += records
    held.created += outcome.created
    held.updated += outcome.updated
    held.unchanged += outcome.unchanged
    held.customers += outcome.customers
    held.rejected += len(outcome.rejections)
    held.rejects_file, held.rejects_size = str(rejects), rejects_size
    held.updated_at = now
