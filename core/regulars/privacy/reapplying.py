"""Erase again, in a database that was restored, whoever was erased since its backup."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from regulars.access.actors import SYSTEM
from regulars.clock import Clock
from regulars.customers.models import Customer
from regulars.database import Database
from regulars.plugins.host import PluginHost
from regulars.privacy.certificates import erasure_certificate
from regulars.privacy.deadlines import one_month_after
from regulars.privacy.erasure import erase_customer
from regulars.privacy.models import PrivacyRequest
from regulars.privacy.notes import noted_erasures
from regulars.privacy.plugin_parts import plugin_eraser
from regulars.privacy.storage import clean_storage
from regulars.suppressions.service import suppress_hashes

__all__ = ["reapply_erasures"]


async def reapply_erasures(database: Database, host: PluginHost, *, notes: Path, clock: Clock) -> tuple[int, int]:
    """Erase whoever stands in the notes and is there again, and bar their addresses; return how many of both.

    What a plugin could not erase stays an open request, which the server tries again.
    """
    erased, touched = 0, set[str]()
    barred = await _bar(database, {hashed for note in noted_erasures(notes) for hashed in note.hashes}, clock)
    for note in noted_erasures(notes):
        for id in await _there(database, note.ids):
            async with database.writing() as session:
                now = clock.now()
                request = PrivacyRequest(
                    kind="erasure",
                    customer_id=id,
                    reason="restored from a backup",
                    actor=SYSTEM.label,
                    received_at=note.at,
                    due_at=one_month_after(note.at),
                    created_at=now,
                    checked_at=now,
                )
                session.add(request)
                await session.flush()
                request_id = request.id
                done = await erase_customer(
                    session,
                    customer_id=id,
                    request_id=request_id,
                    erase_plugins=plugin_eraser(host, actor=SYSTEM.label),
                    actor=SYSTEM,
                    now=now,
                )
                kept = await session.get_one(PrivacyRequest, request_id)
                kept.certificate = erasure_certificate(kept, done, lines=0, storage={}, began_at=now, now=now)
                kept.problem = "; ".join(done.problems) or None
                if not done.problems:
                    kept.status, kept.completed_at = "done", now
            touched |= {name for name, count in done.rows.items() if count}
            erased += 1
    await clean_storage(database, tables=touched)
    return erased, barred


async def _there(database: Database, ids: Sequence[UUID]) -> Sequence[UUID]:
    standing = (col(Customer.id).in_(ids), col(Customer.status) != "erased", col(Customer.merged_into_id).is_(None))
    async with database.reading() as session:
        return (await session.scalars(select(col(Customer.id)).where(*standing).order_by(col(Customer.id)))).all()


async def _bar(database: Database, hashes: set[str], clock: Clock) -> int:
    async with database.writing() as session:
        reason = "erased before a backup was restored"
        return await suppress_hashes(session, hashes=hashes, reason=reason, actor=SYSTEM, now=clock.now())
