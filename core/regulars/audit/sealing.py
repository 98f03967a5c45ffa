"""Give rows of the audit log and of the ledger of consents their place in one chain, after they were committed.

Reading and hashing happen before the transaction that writes the links, so writers never wait for the sealer. Whoever
seals at the same moment is refused by the unique ``seq`` and ``previous``, and begins again.
"""

import asyncio
import contextlib
import os
import platform
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import structlog
from sqlalchemy import delete, exists, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.audit.chain import BEGINNING, Link, link_hash, read_contents
from regulars.audit.heads import Heads
from regulars.audit.models import Seal, SealerLease, UnsealedRow
from regulars.clock import Clock
from regulars.crash_points import CrashPoint, reach
from regulars.database import Database
from regulars.faults import log_fault

__all__ = ["SEALED_AT_ONCE", "Tail", "hash_tail", "running_sealer", "seal_rows", "write_links"]

SEALED_AT_ONCE = 1_000
TRIES = 10
POLL = timedelta(seconds=5)
LEASE = timedelta(seconds=60)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Tail:
    """Links that were worked out and not written yet, and the places in the queue that they take away."""

    links: Sequence[Link]
    positions: Sequence[int]


async def seal_rows(database: Database, *, now: datetime) -> int:
    """Seal every row that was committed by now, and return how many there were; any number of processes may do so."""
    sealed, refused = 0, 0
    while True:
        async with database.reading() as session:
            tail = await hash_tail(session, now=now)
        if not tail.links:
            return sealed
        try:
            async with database.writing() as session:
                await write_links(session, tail)
                reach(CrashPoint.SEAL_WRITTEN)
        except IntegrityError:  # somebody else sealed meanwhile
            refused += 1
            if refused == TRIES:
                raise
            continue
        reach(CrashPoint.SEAL_COMMITTED)
        sealed, refused = sealed + len(tail.links), 0


async def hash_tail(session: AsyncSession, *, now: datetime) -> Tail:
    """Return the links of the rows that have waited longest, at most 1,000, without writing or locking anything.

    A row that is gone, or that has its seal already, gets none; it stays in the queue, and ``verify`` tells of it.
    """
    last = await session.scalar(select(Seal).order_by(col(Seal.seq).desc()).limit(1))
    is_sealed = exists().where(col(Seal.row_id) == col(UnsealedRow.row_id), col(Seal.kind) == col(UnsealedRow.kind))
    waiting = list(
        await session.scalars(
            select(UnsealedRow).where(~is_sealed).order_by(col(UnsealedRow.position)).limit(SEALED_AT_ONCE)
        )
    )
    contents = {
        kind: await read_contents(session, kind, [row.row_id for row in waiting if row.kind == kind])
        for kind in {row.kind for row in waiting}
    }
    seq, previous = (0, BEGINNING) if last is None else (last.seq, last.hash)
    links, positions = list[Link](), list[int]()
    for row in waiting:
        content = contents[row.kind].get(row.row_id)
        if content is None or row.position is None:
            continue
        seq += 1
        hash = link_hash(seq=seq, kind=row.kind, content=content, sealed_at=now, previous=previous)
        links.append(Link(seq, row.kind, row.row_id, now, previous, hash))
        positions.append(row.position)
        previous = hash
    return Tail(links, positions)


async def write_links(session: AsyncSession, tail: Tail) -> None:
    """Write the links; raises ``IntegrityError`` when the chain has grown since they were worked out."""
    await session.execute(insert(Seal), [asdict(link) for link in tail.links])
    await session.execute(delete(UnsealedRow).where(col(UnsealedRow.position).in_(tail.positions)))


@asynccontextmanager
async def running_sealer(database: Database, heads: Heads, *, clock: Clock) -> AsyncIterator[None]:
    """Seal what was committed, every few seconds, and put signed heads outside the database, while the block lasts.

    Of any number of processes the one with the lease does it; when it dies another takes over within a minute.
    """
    sealing = asyncio.create_task(_seal_for_ever(database, heads, clock))
    try:
        yield
    finally:
        sealing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sealing


async def _seal_for_ever(database: Database, heads: Heads, clock: Clock) -> None:
    holder = f"{platform.node()}:{os.getpid()}:{uuid4().hex[:8]}"
    while True:
        await asyncio.sleep(POLL.total_seconds())
        try:
            if await _something_waits(database) and await _take_lease(database, holder, clock.now()):
                await seal_rows(database, now=clock.now())
                await heads.keep_up(database, now=clock.now())
        except Exception as error:  # a fault in one round, such as a full disk, must not end the sealing
            log_fault(log, "sealer.round_failed", error)


async def _something_waits(database: Database) -> bool:
    async with database.reading() as session:
        return bool(await session.scalar(select(exists().where(col(UnsealedRow.position).is_not(None)))))


async def _take_lease(database: Database, holder: str, now: datetime) -> bool:
    dialect = postgresql if database.dialect == "postgresql" else sqlite
    lease = {"holder": holder, "lease_until": now + LEASE}
    statement = (
        dialect.insert(SealerLease)
        .values(id=1, **lease)
        .on_conflict_do_update(
            index_elements=["id"],
            set_=lease,
            where=or_(col(SealerLease.holder) == holder, col(SealerLease.lease_until) < now),
        )
        .returning(col(SealerLease.holder))
    )
    async with database.writing() as session:
        return bool(await session.scalar(statement) == holder)
