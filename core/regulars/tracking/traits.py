"""Write the facts that many messages tell as imported traits, in few statements."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.errors import ExpectedError
from regulars.events.models import Event
from regulars.ingest.new_customers import customer_event
from regulars.ingest.staging import write_rows
from regulars.inserts import insert_new
from regulars.plugins.contributions import TraitType
from regulars.tracking.facts import Ignored, Scalar
from regulars.traits.models import TraitDefinition, TraitValue
from regulars.traits.registry import TRAIT_TYPES, TraitRegistry
from regulars.traits.service import KEY
from regulars.traits.values import TraitInput, Value, checked_value

__all__ = ["MOST_DEFINITIONS", "ToldFact", "write_facts"]

MOST_DEFINITIONS = 500
"""A write key may lie open in a browser, so sites and apps add traits only until the company has that many."""


@dataclass(frozen=True)
class ToldFact:
    """A fact about a customer, as a message tells it; ``as_of`` is when it was true. None clears."""

    customer_id: UUID
    key: str
    value: Scalar
    as_of: datetime


async def write_facts(
    session: AsyncSession,
    *,
    facts: Sequence[ToldFact],
    source: str,
    registry: TraitRegistry,
    actor: str,
    now: datetime,
) -> list[Ignored]:
    """Write the newest value of each fact, define facts that are new, and return what could not be kept.

    A value older than the one that stands is not written. The caller holds the customers.
    """
    if not facts:
        return []
    definitions = await _definitions(session, facts, registry, now)
    ignored: dict[str, Ignored] = {}
    rows: dict[tuple[UUID, str], dict[str, Any]] = {}
    for fact in sorted(facts, key=lambda one: one.as_of):
        definition = definitions.get(fact.key)
        if definition is None:
            ignored[fact.key] = Ignored(fact.key, _reason_against(fact.key, registry))
            continue
        try:
            value = _value(definition, fact, source, now)
        except ExpectedError as error:
            ignored[fact.key] = Ignored(fact.key, str(error))
        else:
            rows[fact.customer_id, fact.key] = _row(definition, fact, value, source)
    written = list(rows.values())
    changed = await _changed(session, written)
    await _clear(session, [row for row in written if row["is_cleared"]])
    await _keep(session, [row for row in written if not row["is_cleared"]])
    await _tell(session, changed, actor, now)
    return list(ignored.values())


async def _definitions(
    session: AsyncSession, facts: Sequence[ToldFact], registry: TraitRegistry, now: datetime
) -> dict[str, TraitDefinition]:
    definitions = {definition.key: definition for definition in await session.scalars(select(TraitDefinition))}
    new = {
        fact.key: _type_of(fact.value)
        for fact in facts
        if fact.key not in definitions
        and fact.value is not None
        and fact.key not in registry.plugin_traits
        and KEY.fullmatch(fact.key)
    }
    room = max(MOST_DEFINITIONS - len(definitions), 0)
    rows = [
        {
            "key": key,
            "title": key,
            "type": type,
            "provenance": "imported",
            "is_personal": True,
            "used_for": None,
            "created_at": now,
        }
        for key, type in sorted(new.items())[:room]
    ]
    if rows:
        await insert_new(session, TraitDefinition, rows, unless_taken=("key",))
        found = await session.scalars(select(TraitDefinition).where(col(TraitDefinition.key).in_(list(new))))
        definitions |= {definition.key: definition for definition in found}
    return definitions


def _type_of(value: Scalar) -> TraitType:
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


def _reason_against(key: str, registry: TraitRegistry) -> str:
    if key in registry.plugin_traits:
        return f"It is kept by the plugin {registry.owners[key]}, which alone sets it."
    if not KEY.fullmatch(key):
        return "It cannot be the key of a trait: letters, digits and underscores, joined by dots."
    return f"It is not defined, and the company has {MOST_DEFINITIONS} traits already, or nothing was said about it."


def _value(definition: TraitDefinition, fact: ToldFact, source: str, now: datetime) -> Value | None:
    value = fact.value
    if definition.type == "text" and isinstance(value, bool | int | float):
        value = str(value)
    if isinstance(value, float):
        value = round(value, 4)
    given = TraitInput(fact.key, value, "imported", source, fact.as_of)
    return checked_value(definition, given, path=("traits", fact.key), now=now)


def _row(definition: TraitDefinition, fact: ToldFact, value: Value | None, source: str) -> dict[str, Any]:
    return {
        "customer_id": fact.customer_id,
        "key": fact.key,
        "profile_id": fact.customer_id,
        **{f"{type}_value": value if type == definition.type else None for type in TRAIT_TYPES},
        "provenance": definition.provenance,
        "source": source,
        "as_of": fact.as_of,
        "is_cleared": value is None,
    }


async def _changed(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows that tell something else than what stands there."""
    found = await session.scalars(
        select(TraitValue).where(
            col(TraitValue.customer_id).in_({row["customer_id"] for row in rows}),
            col(TraitValue.key).in_({row["key"] for row in rows}),
        )
    )
    standing = {(one.customer_id, one.key): one for one in found if one.profile_id == one.customer_id}
    values = [f"{type}_value" for type in TRAIT_TYPES]
    return [
        row
        for row in rows
        if [getattr(standing.get((row["customer_id"], row["key"])), name, None) for name in values]
        != [row[name] for name in values]
    ]


async def _clear(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        await session.execute(
            delete(TraitValue)
            .where(
                col(TraitValue.customer_id) == row["customer_id"],
                col(TraitValue.key) == row["key"],
                col(TraitValue.profile_id) == row["profile_id"],
                col(TraitValue.as_of) <= row["as_of"],
            )
            .execution_options(synchronize_session=False)
        )


async def _keep(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    writing = insert(TraitValue)
    changed = [f"{type}_value" for type in TRAIT_TYPES] + ["source", "as_of"]
    statement = writing.on_conflict_do_update(
        index_elements=["customer_id", "key", "profile_id"],
        set_={name: writing.excluded[name] for name in changed},
        where=writing.excluded.as_of >= col(TraitValue.as_of),
    )
    connection = await session.connection()
    values = [{name: value for name, value in row.items() if name != "is_cleared"} for row in rows]
    await connection.execute(statement, values)


async def _tell(session: AsyncSession, rows: Sequence[Mapping[str, Any]], actor: str, now: datetime) -> None:
    keys: defaultdict[UUID, list[str]] = defaultdict(list)
    for row in rows:
        keys[row["customer_id"]].append(row["key"])
    events = [customer_event("traits.changed", id, {"keys": sorted(of)}, actor, now) for id, of in sorted(keys.items())]
    await write_rows(session, Event, events)
