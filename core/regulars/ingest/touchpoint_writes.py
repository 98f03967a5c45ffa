"""Write the touchpoints of one chunk, in a few statements over all rows at once, by the rules of single touchpoints.

All rows that can be are inserted straight away. What is left over is looked at: its customer is created or unknown, or
its key stands there already.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Dialect, Insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.schema import CreateTable, DropTable

from regulars.customers.identities import Identity
from regulars.customers.service import SeveralCustomersMatch
from regulars.errors import ExpectedError
from regulars.ingest import touchpoint_statements as sql
from regulars.ingest.new_customers import NameKey, NewCustomer, await_turn, key_of, write_new_customers
from regulars.ingest.outcomes import Outcome
from regulars.ingest.problems import UnknownCustomer
from regulars.ingest.staging import TryAgain, copy_rows
from regulars.ingest.touchpoint_cells import CustomerName
from regulars.ingest.touchpoint_rows import TouchpointBatch
from regulars.ingest.touchpoint_tables import STAGED, STAGED_COLUMNS
from regulars.suppressions.lookups import erased_names
from regulars.suppressions.refusals import AddressErased
from regulars.touchpoints.models import Touchpoint
from regulars.touchpoints.service import OtherContent, differences

__all__ = ["TouchpointWriter"]


@dataclass(frozen=True)
class _LeftOver:
    """The places of rows that were not written.

    ``free`` could be written now, ``nobodys`` have no customer, by ``new_names`` would have one if it were created;
    ``unchanged`` stand there already, and the others are rejected.
    """

    free: list[int] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    new_names: dict[NameKey, list[int]] = field(default_factory=lambda: defaultdict(list))
    errors: dict[int, ExpectedError] = field(default_factory=dict)


class TouchpointWriter:
    """Writes chunks of touchpoints, told of by ``actor``; ``creates`` says by which names customers are created.

    On PostgreSQL to look for each key before it is written takes a ninth of the time. So keys are taken for new, until
    a chunk fails because one is not.
    """

    def __init__(self, *, creates: Callable[[Identity], bool], actor: str, dialect: Dialect) -> None:
        self._creates, self._actor = creates, actor
        self._takes_turns = False
        self._skips = dialect.name == "sqlite"

    async def stage(self, session: AsyncSession, batch: TouchpointBatch) -> None:
        """Bring the rows to the database, where nobody else sees them."""
        await session.execute(CreateTable(STAGED))
        if batch.names:
            await copy_rows(session, STAGED, STAGED_COLUMNS, batch.rows)

    async def write(self, session: AsyncSession, batch: TouchpointBatch, *, is_trial: bool, now: datetime) -> Outcome:
        """Write what was staged, and tell what became of every row; a trial only tells.

        Raises ``TryAgain`` when it needs a turn that it did not wait for, and ``IntegrityError`` when it took a key for
        new that is not; both are worth another try.
        """
        outcome = Outcome(rejections=batch.rejections)
        if batch.names:
            outcome = await (self._examine(session, batch) if is_trial else self._insert(session, batch, now))
        await session.execute(DropTable(STAGED))
        return outcome

    async def _examine(self, session: AsyncSession, batch: TouchpointBatch) -> Outcome:
        left = await self._left_over(session, batch)
        named = sum(map(len, left.new_names.values()))
        return _outcome(batch, left, created=len(left.free) + named, customers=len(left.new_names))

    async def _insert(self, session: AsyncSession, batch: TouchpointBatch, now: datetime) -> Outcome:
        if self._takes_turns:
            await await_turn(session)
        dialect = session.get_bind().dialect.name
        inserting = sql.insert_touchpoints(_whose(batch), dialect, now=now)
        skipping = sql.unless_there(inserting)
        customers, created = 0, await self._insert_found(session, skipping if self._skips else inserting)
        while True:
            left = _LeftOver() if created == len(batch.names) else await self._left_over(session, batch)
            if left.new_names:
                await self._create(session, batch, left, now)
                customers += len(left.new_names)
            elif not left.free:  # else somebody was merged at this moment
                break
            created += await self._insert_found(session, skipping)
        await session.execute(sql.insert_events(dialect, actor=self._actor, now=now))
        return _outcome(batch, left, created=created, customers=customers)

    async def _insert_found(self, session: AsyncSession, inserting: Insert) -> int:
        """Write the rows whose customer is found, and return how many."""
        try:
            return (await session.execute(inserting)).rowcount  # type: ignore[attr-defined,no-any-return]  # is a cursor's
        except IntegrityError:
            self._skips = True  # at the next try, and from then on
            raise

    async def _left_over(self, session: AsyncSession, batch: TouchpointBatch) -> _LeftOver:
        left = _LeftOver()
        nobodys = []
        for row in await session.execute(sql.left_over(_whose(batch))):
            existing: Touchpoint | None = row[0]
            if row.customer_id is None:
                nobodys.append(row.place)
            elif existing is None:
                left.free.append(row.place)
            elif different := differences(existing, row._asdict()):
                left.errors[row.place] = OtherContent(existing, different)
            else:
                left.unchanged.append(row.place)
        several = await _several(session) if nobodys else {}
        asked = (batch.names[place] for place in nobodys)
        identities = frozenset(name for name in asked if isinstance(name, Identity))
        erased = await erased_names(session, identities=identities)
        for place in nobodys:
            name = batch.names[place]
            if isinstance(name, Identity) and not several.get(place) and key_of(name) in erased:
                left.errors[place] = AddressErased(name.kind)
            else:
                self._judge_nobody(left, place, name, several.get(place, ()))
        return left

    def _judge_nobody(self, left: _LeftOver, place: int, name: CustomerName, claimants: Sequence[UUID]) -> None:
        if claimants:
            left.errors[place] = SeveralCustomersMatch(claimants[0], claimants[1])
        elif isinstance(name, Identity) and self._creates(name):
            left.new_names[key_of(name)].append(place)
        else:
            left.errors[place] = UnknownCustomer(_said(name), can_be_created=isinstance(name, Identity))

    async def _create(self, session: AsyncSession, batch: TouchpointBatch, left: _LeftOver, now: datetime) -> None:
        if not self._takes_turns and session.get_bind().dialect.name == "postgresql":
            self._takes_turns = True  # from the beginning, since who waits for a turn must hold nobody
            raise TryAgain
        names = [batch.names[places[0]] for places in left.new_names.values()]
        customers = [NewCustomer(identities=[name]) for name in names if isinstance(name, Identity)]
        await write_new_customers(session, customers, actor=self._actor, now=now)


def _said(name: CustomerName) -> str:
    if isinstance(name, UUID):
        return f"id {name}"
    return f"{'external_id' if name.kind == 'external' else name.kind} {name.value!r}"


def _whose(batch: TouchpointBatch) -> sql.Whose:
    return sql.whose(by_name=batch.has_names, by_id=batch.has_ids)


async def _several(session: AsyncSession) -> Mapping[int, Sequence[UUID]]:
    by_place: defaultdict[int, list[UUID]] = defaultdict(list)
    for place, customer_id in await session.execute(sql.claimants()):
        by_place[place].append(customer_id)
    return {place: claimants for place, claimants in by_place.items() if len(claimants) > 1}


def _outcome(batch: TouchpointBatch, left: _LeftOver, *, created: int, customers: int) -> Outcome:
    rejections = [batch.chunk.rejection(place, error) for place, error in left.errors.items()]
    return Outcome(
        created=created,
        unchanged=len(left.unchanged),
        customers=customers,
        rejections=[*batch.rejections, *rejections],
    )
