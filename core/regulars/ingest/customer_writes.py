"""Write the customers of one chunk: find whom their names lead to, decide what changes, write it in few statements."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

from sqlalchemy import Column, MetaData, Select, String, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.schema import CreateTable, DropTable
from sqlmodel import col

from regulars.customers.models import Customer, CustomerIdentity, CustomerWord
from regulars.customers.survivors import locked_survivors
from regulars.customers.words import searchable_words
from regulars.errors import ExpectedError
from regulars.events.models import Event
from regulars.ingest.columns import CUSTOMER_FACTS
from regulars.ingest.customer_rows import CustomerBatch
from regulars.ingest.customer_upserts import KnownCustomers, Upserts
from regulars.ingest.new_customers import (
    await_turn,
    customer_event,
    key_of,
    write_identities,
    write_new_customers,
)
from regulars.ingest.outcomes import Outcome
from regulars.ingest.records import Rejection
from regulars.ingest.staging import copy_values, write_rows
from regulars.suppressions.lookups import erased_names

__all__ = ["CustomerWriter", "renew_words"]

SLICE = 5_000
"""Ids in one statement."""

NAMES = Table(
    "ingest_name",
    MetaData(),
    Column("kind", String, primary_key=True),
    Column("source", String, primary_key=True),
    Column("normalised", String, primary_key=True),
    prefixes=["TEMPORARY"],
)
"""The names that the rows of one chunk have."""


class CustomerWriter:
    """Writes chunks of customers, told of by ``actor``."""

    def __init__(self, *, actor: str) -> None:
        self._actor = actor

    async def stage(self, session: AsyncSession, batch: CustomerBatch) -> None:
        """Bring the names to the database, where nobody else sees them."""
        names = sorted({key_of(identity) for row in batch.rows for identity in row.identities})
        await session.execute(CreateTable(NAMES))
        if names:
            await copy_values(session, NAMES, dict(zip(NAMES.columns.keys(), zip(*names, strict=True), strict=True)))

    async def write(self, session: AsyncSession, batch: CustomerBatch, *, is_trial: bool, now: datetime) -> Outcome:
        """Write what the rows change, and tell what became of every row; a trial only tells."""
        customers = await self._customers(session, is_trial=is_trial)
        known = await _known(session, customers)
        names = frozenset(identity for row in batch.rows for identity in row.identities)
        upserts = Upserts(known, await erased_names(session, identities=names))
        outcome = await asyncio.to_thread(_replay, batch, upserts)
        if not is_trial:
            await self._write(session, customers, upserts, now)
        await session.execute(DropTable(NAMES))
        return outcome

    async def _customers(self, session: AsyncSession, *, is_trial: bool) -> dict[UUID, Customer]:
        """Return the customers whom the names lead to, held until the transaction ends."""
        if is_trial:
            return await _read(session, await _holders(session))
        await await_turn(session)
        while True:
            ids = await _holders(session)
            attempt = await (await session.connection()).begin_nested()
            held: dict[UUID, Customer] = {}
            for some in _slices(ids):
                held |= await locked_survivors(session, some)
            if await _holders(session) == ids == {customer.id for customer in held.values()}:
                await attempt.commit()
                return held
            await attempt.rollback()

    async def _write(
        self, session: AsyncSession, customers: dict[UUID, Customer], upserts: Upserts, now: datetime
    ) -> None:
        for id, change in upserts.changes.items():
            customer = customers[id]
            for name, value in change.values.items():
                setattr(customer, name, value)
            customer.version += change.times
            customer.updated_at = now
        await session.flush()
        await write_new_customers(session, list(upserts.new.values()), actor=self._actor, now=now)
        await write_identities(session, upserts.identities, actor=self._actor, now=now)
        events = [
            customer_event("customer.updated", id, {"changed": names}, self._actor, now)
            for id, names in upserts.updates
        ]
        await write_rows(session, Event, events)
        renamed = {id for id, change in upserts.changes.items() if "display_name" in change.values}
        await renew_words(session, renamed | {new.customer_id for new in upserts.identities})


def _replay(batch: CustomerBatch, upserts: Upserts) -> Outcome:
    counts = {"created": 0, "updated": 0, "unchanged": 0}
    rejections: list[Rejection] = list(batch.rejections)
    for row in batch.rows:
        try:
            counts[upserts.upsert(row)] += 1
        except ExpectedError as error:
            rejections.append(batch.chunk.rejection(row.place, error.with_traceback(None)))
    return Outcome(**counts, rejections=rejections)


def _holding() -> "Select[UUID]":
    return (
        select(col(CustomerIdentity.customer_id))
        .join(
            NAMES,
            (NAMES.c.normalised == CustomerIdentity.normalised)
            & (NAMES.c.kind == CustomerIdentity.kind)
            & (NAMES.c.source == CustomerIdentity.source),
        )
        .where(col(CustomerIdentity.retired_at).is_(None))
    )


async def _holders(session: AsyncSession) -> set[UUID]:
    return set(await session.scalars(_holding().distinct()))


async def _read(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Customer]:
    customers: dict[UUID, Customer] = {}
    for some in _slices(ids):
        found = await session.scalars(select(Customer).where(col(Customer.id).in_(some)))
        customers |= {customer.id: customer for customer in found}
    return customers


async def _known(session: AsyncSession, customers: dict[UUID, Customer]) -> KnownCustomers:
    known = KnownCustomers()
    for id, customer in customers.items():
        known.values[id] = {name: getattr(customer, name) for name in CUSTOMER_FACTS}
    names = select(
        col(CustomerIdentity.customer_id),
        col(CustomerIdentity.kind),
        col(CustomerIdentity.source),
        col(CustomerIdentity.normalised),
        col(CustomerIdentity.verified_at).is_not(None),
        col(CustomerIdentity.retired_at).is_not(None),
    ).where(col(CustomerIdentity.customer_id).in_(_holding()))
    for id, kind, source, normalised, is_verified, is_retired in await session.execute(names):
        known.add_name(id, (kind, source, normalised), is_verified=is_verified, is_retired=is_retired)
    return known


async def renew_words(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Write the words anew of customers whose name or identities changed, as ``refresh_words`` does for one."""
    for some in _slices(ids):
        texts: defaultdict[UUID, list[str]] = defaultdict(list)
        today = col(Customer.merged_into_id).in_(some)
        named = select(col(Customer.id), col(Customer.merged_into_id), col(Customer.display_name)).where(
            col(Customer.id).in_(some) | today
        )
        for id, merged_into, name in await session.execute(named):
            texts[merged_into or id] += [name] if name else []
        identities = select(
            col(CustomerIdentity.customer_id), col(CustomerIdentity.value), col(CustomerIdentity.normalised)
        ).where(
            col(CustomerIdentity.customer_id).in_(some),
            col(CustomerIdentity.retired_at).is_(None),
            col(CustomerIdentity.kind) != "visitor",
        )
        for id, value, normalised in await session.execute(identities):
            texts[id] += [value, normalised]
        await session.execute(
            delete(CustomerWord).where(col(CustomerWord.customer_id).in_(some)),
            execution_options={"synchronize_session": False},
        )
        words = await asyncio.to_thread(_words, texts)
        await write_rows(session, CustomerWord, words)


def _words(texts: dict[UUID, list[str]]) -> list[dict[str, object]]:
    return [
        {"word": word, "customer_id": id} for id, about in texts.items() for word in sorted(searchable_words(about))
    ]


def _slices(ids: Collection[UUID]) -> Iterator[Sequence[UUID]]:
    """Return the ids in their order, as many at a time as fit into a statement."""
    ordered = iter(sorted(ids))
    while some := list(islice(ordered, SLICE)):
        yield some
