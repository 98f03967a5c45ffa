"""Write the touchpoints of one chunk: find whose they are, leave out what stands there already, insert the rest.

Everything happens in a few statements over all rows at once, by the rules of ``record_touchpoints``.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.schema import CreateTable, DropTable

from regulars.customers.identities import Identity
from regulars.customers.service import SeveralCustomersMatch
from regulars.ingest import touchpoint_statements as sql
from regulars.ingest.new_customers import NewCustomer, await_turn, write_new_customers
from regulars.ingest.outcomes import Outcome
from regulars.ingest.problems import UnknownCustomer
from regulars.ingest.records import Rejection
from regulars.ingest.staging import copy_rows, encoders_of
from regulars.ingest.touchpoint_rows import TouchpointBatch
from regulars.ingest.touchpoint_tables import FOUND, STAGED, STAGED_COLUMNS
from regulars.touchpoints.models import Touchpoint
from regulars.touchpoints.service import OtherContent, differences

__all__ = ["TouchpointWriter"]


class TouchpointWriter:
    """Writes chunks of touchpoints, told of by ``actor``; ``creates`` says by which names customers are created."""

    def __init__(self, *, creates: Callable[[Identity], bool], actor: str) -> None:
        self._creates, self._actor = creates, actor

    async def stage(self, session: AsyncSession, batch: TouchpointBatch) -> None:
        """Bring the rows to the database, where nobody else sees them."""
        for table in (STAGED, FOUND):
            await session.execute(CreateTable(table))
        await copy_rows(session, STAGED, STAGED_COLUMNS, batch.rows)

    async def write(self, session: AsyncSession, batch: TouchpointBatch, *, is_trial: bool, now: datetime) -> Outcome:
        """Write what was staged, and tell what became of every row; a trial only tells."""
        customers, nobodys = await self._find(session, batch, is_trial=is_trial)
        unchanged, conflicts = await _compare(session, batch)
        created = len(batch.rows) - len(nobodys) - unchanged - len(conflicts)
        if not is_trial:
            await write_new_customers(session, customers, actor=self._actor, now=now)
            await session.execute(sql.insert_touchpoints(now=now))
            dialect = session.get_bind().dialect.name
            await session.execute(sql.insert_events(dialect, actor=self._actor, now=now))
        for table in (FOUND, STAGED):
            await session.execute(DropTable(table))
        rejections = [*batch.rejections, *nobodys, *conflicts]
        return Outcome(created=created, unchanged=unchanged, customers=len(customers), rejections=rejections)

    async def _find(
        self, session: AsyncSession, batch: TouchpointBatch, *, is_trial: bool
    ) -> tuple[list[NewCustomer], list[Rejection]]:
        """Find whose the rows are and hold these customers; return who is to be created, and the rows of nobody."""
        is_ours = False
        while True:
            attempt = await (await session.connection()).begin_nested()
            count = await _find_known(session, batch)
            if not is_trial and await _has_lost_hold(session):
                await attempt.rollback()
                continue
            places = [] if count == len(batch.rows) else list(await session.scalars(sql.lost()))
            several = await _several(session) if places else {}
            wanted = [place for place in places if place not in several and self._is_creatable(batch, place)]
            if wanted and not is_ours and not is_trial:
                await attempt.rollback()  # who waits for a turn holds nobody
                await await_turn(session)
                is_ours = True
                continue
            await attempt.commit()
            break
        customers = await _found_anew(session, batch, wanted)
        nobodys = sorted(set(places) - set(wanted))
        return customers, [self._rejection(batch, place, several.get(place, [])) for place in nobodys]

    def _is_creatable(self, batch: TouchpointBatch, place: int) -> bool:
        identity = batch.names[place].identity
        return identity is not None and self._creates(identity)

    def _rejection(self, batch: TouchpointBatch, place: int, claimants: Sequence[UUID]) -> Rejection:
        if claimants:
            return batch.chunk.rejection(place, SeveralCustomersMatch(claimants[0], claimants[1]))
        name = batch.names[place]
        return batch.chunk.rejection(place, UnknownCustomer(name.said, can_be_created=name.identity is not None))


async def _find_known(session: AsyncSession, batch: TouchpointBatch) -> int:
    found = 0
    if batch.has_names:
        found += (await session.execute(sql.find_by_name())).rowcount  # type: ignore[attr-defined]  # is a cursor's
    if batch.has_ids:
        found += (await session.execute(sql.find_by_id())).rowcount  # type: ignore[attr-defined]
    return found


async def _has_lost_hold(session: AsyncSession) -> bool:
    if session.get_bind().dialect.name != "postgresql":
        return False  # nobody else writes
    return bool(await session.scalar(sql.hold_customers()))


async def _several(session: AsyncSession) -> dict[int, list[UUID]]:
    by_place: defaultdict[int, list[UUID]] = defaultdict(list)
    for place, customer_id in await session.execute(sql.claimants()):
        by_place[place].append(customer_id)
    return {place: claimants for place, claimants in by_place.items() if len(claimants) > 1}


async def _found_anew(session: AsyncSession, batch: TouchpointBatch, places: Sequence[int]) -> list[NewCustomer]:
    """Give the rows of these places new customers, one for each name."""
    by_name: dict[Identity, NewCustomer] = {}
    encode = encoders_of(FOUND, session.get_bind().dialect)["customer_id"]
    found = []
    for place in places:
        identity = batch.names[place].identity
        assert identity is not None
        key = Identity(identity.kind, "", identity.normalised, identity.source)
        if key not in by_name:
            by_name[key] = NewCustomer(identities=[identity])
        id = encode(by_name[key].id)
        found.append((place, id, id))
    await copy_rows(session, FOUND, FOUND.columns.keys(), found)
    return list(by_name.values())


async def _compare(session: AsyncSession, batch: TouchpointBatch) -> tuple[int, list[Rejection]]:
    """Leave out the rows whose key stands there already or came before; return how many tell nothing new, and those
    that tell something else.
    """
    pairs: list[tuple[Touchpoint, dict[str, Any]]] = [
        (row[0], row._asdict()) for row in await session.execute(sql.taken())
    ]
    if pairs:
        await session.execute(sql.forget_taken())
    if batch.may_repeat:
        firsts: dict[tuple[str, str], Touchpoint] = {}
        for row in await session.execute(sql.repeated()):
            key = (row.source, row.external_id)
            if key in firsts:
                pairs.append((firsts[key], row._asdict()))
            else:
                firsts[key] = Touchpoint(**row._asdict())
        await session.execute(sql.forget_repeated())
    unchanged, conflicts = 0, []
    for existing, told in pairs:
        different = differences(existing, told)
        if different:
            conflicts.append(batch.chunk.rejection(told["place"], OtherContent(existing, different)))
        else:
            unchanged += 1
    return unchanged, conflicts
