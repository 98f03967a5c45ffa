"""Read what all rules must know of 1 to 10,000 customers, in one statement."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Dialect, Select, Text, Uuid, any_, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from regulars.contact.needs import Need, in_json
from regulars.contact.rules import CORE, ContactRule
from regulars.customers.finding import counts_today_as
from regulars.customers.models import Customer
from regulars.database import usual_patience

__all__ = ["MOST_CUSTOMERS", "Known", "NeedsReader", "ReadFailure", "Told"]

MOST_CUSTOMERS = 10_000
ALONE_PATIENCE_S = 2.0
"""How long SQLite may take for one customer; PostgreSQL would have to be told by a statement more."""

Known = Mapping[Need, Any]


@dataclass(frozen=True)
class Told:
    """What the database told of one customer: by owner the values of that owner's needs, as JSON.

    ``customer_id`` is as whom they count today, None where nobody has the id; an owner whose needs could not be read is
    missing.
    """

    customer_id: UUID | None
    texts: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def by_owner(self) -> Mapping[str, Sequence[Any]]:
        """Return the values of each owner's needs."""
        return {owner: orjson.loads(told) for owner, told in self.texts.items()}

    @property
    def likeness(self) -> tuple[bool, tuple[tuple[str, str], ...]]:
        """Return what is equal for customers of whom the same is known, who are told the same."""
        return self.customer_id is None, tuple(self.texts.items())


class _KnownWhenAsked(Mapping[Need, Any]):
    """What is known, turned into values when somebody asks for them: many a rule has no need of most."""

    def __init__(self, told: Mapping[Need, Any]) -> None:
        self._told = told
        self._values: dict[Need, Any] = {}

    def __getitem__(self, need: Need) -> Any:
        if need not in self._values:
            self._values[need] = need.value_of(self._told[need])
        return self._values[need]

    def __iter__(self) -> Iterator[Need]:
        return iter(self._told)

    def __len__(self) -> int:
        return len(self._told)


@dataclass(frozen=True)
class ReadFailure:
    """The needs of one owner could not be read, and why."""

    owner: str
    error: SQLAlchemyError


class NeedsReader:
    """The needs of some rules, each once, and the statement that reads them.

    Where the statement fails it is repeated owner by owner, so that one plugin's fault is that plugin's alone.
    """

    def __init__(self, rules: Sequence[ContactRule], *, core_needs: Sequence[Need] = ()) -> None:
        self.by_owner: dict[str, tuple[Need, ...]] = {CORE: tuple(core_needs)}
        for rule in rules:
            own = self.by_owner.setdefault(rule.owner, ())
            known = {need for needs in self.by_owner.values() for need in needs}
            new = dict.fromkeys(need for need in rule.needs.values() if need not in known)
            self.by_owner[rule.owner] = (*own, *new)
        self.names = {need: f"{rule.id}.{name}" for rule in rules for name, need in rule.needs.items()}
        self._statements: dict[tuple[str, tuple[str, ...], bool], Select[Any]] = {}

    async def read(
        self, session: AsyncSession, customer_ids: Sequence[UUID], asked: Mapping[str, Any], *, now: datetime
    ) -> tuple[dict[UUID, Told], tuple[ReadFailure, ...]]:
        """Return what is known of each customer who exists, by the id that was asked for, and whose needs failed."""
        owners = tuple(self.by_owner)
        try:
            return await self._told(session, owners, customer_ids, asked, now), ()
        except SQLAlchemyError as error:
            if owners == (CORE,):
                raise
            first = error
        failures: list[ReadFailure] = []
        found: dict[UUID, dict[str, str]] = {}
        today: dict[UUID, UUID | None] = {}
        for owner in owners:
            try:
                told = await self._told(session, (owner,), customer_ids, asked, now)
            except SQLAlchemyError as error:
                if owner == CORE:
                    raise error from first
                failures.append(ReadFailure(owner, error))
                continue
            for asked_id, one in told.items():
                found.setdefault(asked_id, {}).update(one.texts)
                today[asked_id] = one.customer_id
        return {id: Told(today[id], texts) for id, texts in found.items()}, tuple(failures)

    def known(self, told: Told) -> Known:
        """Return the values that ``decide`` gets; without a customer every value is None and every list empty."""
        if told.customer_id is None:
            return _KnownWhenAsked({need: None for needs in self.by_owner.values() for need in needs})
        return _KnownWhenAsked(
            {
                need: value
                for owner, values in told.by_owner.items()
                for need, value in zip(self.by_owner[owner], values, strict=True)
            }
        )

    def named(self, told: Told) -> dict[str, Any]:
        """Return the same JSON by the names of the needs, ``<rule>.<need>``, as it is kept with a decision."""
        return {
            self.names[need]: value
            for owner, values in told.by_owner.items()
            for need, value in zip(self.by_owner[owner], values, strict=True)
            if need in self.names
        }

    async def _told(
        self,
        session: AsyncSession,
        owners: tuple[str, ...],
        customer_ids: Sequence[UUID],
        asked: Mapping[str, Any],
        now: datetime,
    ) -> dict[UUID, Told]:
        dialect = session.get_bind().dialect
        statement = self._statement(owners, dialect, is_alone=len(customer_ids) == 1)
        values = {**asked, "regulars_now": now, **_ids(customer_ids, dialect)}
        if session.get_bind().get_execution_options().get("regulars_writes"):
            async with session.begin_nested():  # a failed statement would end the transaction that is under way
                rows = await self._rows(session, statement, values)
        else:
            rows = await self._rows_alone(session, statement, values)
        return {row[0]: Told(row[1], dict(zip(owners, row[2:], strict=True))) for row in rows}

    async def _rows_alone(self, session: AsyncSession, statement: Select[Any], values: Mapping[str, Any]) -> Any:
        try:
            return await self._rows(session, statement, values)
        except SQLAlchemyError:
            await session.rollback()
            raise

    async def _rows(self, session: AsyncSession, statement: Select[Any], values: Mapping[str, Any]) -> Any:
        async with usual_patience(session, at_most_s=ALONE_PATIENCE_S if "contact_customer" in values else math.inf):
            return (await session.execute(statement, values)).all()

    def _statement(self, owners: tuple[str, ...], dialect: Dialect, *, is_alone: bool) -> Select[Any]:
        key = (dialect.name, owners, is_alone)
        if key not in self._statements:
            asked = aliased(Customer)
            told = [
                in_json([need.in_sql(dialect) for need in self.by_owner[owner]], dialect).label(f"needs_of_{owner}")
                for owner in owners
            ]
            columns: list[Any] = [col(asked.id), col(Customer.id), *told]
            statement: Any = (
                select(*columns)
                .join_from(asked, Customer, col(Customer.id) == counts_today_as(asked))
                .where(_is_alone(col(asked.id)) if is_alone else _is_asked(col(asked.id), dialect))
            )
            self._statements[key] = statement
        return self._statements[key]


def _is_alone(id: Any) -> Any:
    # PostgreSQL supposes that a list which it does not know is long, and so plans anew each time that it is short.
    return id == bindparam("contact_customer", type_=Uuid)


def _is_asked(id: Any, dialect: Dialect) -> Any:
    if dialect.name == "sqlite":
        given = func.json_each(bindparam("contact_customers", type_=Text)).table_valued("value")
        return id.in_(select(cast(given.c.value, Text)))
    return id == any_(bindparam("contact_customers", type_=ARRAY(Uuid)))


def _ids(customer_ids: Sequence[UUID], dialect: Dialect) -> Mapping[str, Any]:
    if len(customer_ids) == 1:
        return {"contact_customer": customer_ids[0]}
    given = orjson.dumps([id.hex for id in customer_ids]).decode() if dialect.name == "sqlite" else list(customer_ids)
    return {"contact_customers": given}
