"""Read the facts about customers, the company's own and those that plugins keep."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, func, null, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from regulars.plugins.contributions import Trait, TraitType
from regulars.tables import NOW
from regulars.traits.models import TraitDefinition, TraitObjection, TraitValue
from regulars.traits.objections import DELETED, DISPUTED, objections_of
from regulars.traits.registry import TraitRegistry
from regulars.traits.values import Value

__all__ = ["TRAITS_READ", "TraitReading", "read_traits"]

TRAITS_READ = "traits:read"


@dataclass(frozen=True)
class TraitReading:
    """A fact about a customer. ``source`` is who told it, for a plugin's trait the plugin.

    ``used_for`` says what for, None where nobody said. ``disputed_at`` is since when the customer calls it wrong, None
    while they do not.
    """

    key: str
    title: str
    type: str
    provenance: str
    value: Value
    source: str
    as_of: datetime | None
    used_for: str | None = None
    disputed_at: datetime | None = None


async def read_traits(
    session: AsyncSession,
    *,
    customer_ids: Collection[UUID],
    registry: TraitRegistry,
    permissions: Collection[str],
    now: datetime,
) -> dict[UUID, list[TraitReading]]:
    """Return what is known of each customer, by key, out of the company's own traits and those of plugins.

    One statement for the company's traits, one for each table of a plugin, and one for what customers object to,
    whatever the number of customers. What ``permissions`` do not allow is left out, and what a customer had deleted of
    what a plugin keeps. Of merged profiles' values the customer's own counts, else the newest.
    """
    readings: dict[UUID, list[TraitReading]] = {id: [] for id in customer_ids}
    if not readings or TRAITS_READ not in permissions:
        return readings
    company = (await session.execute(_standing_values(readings))).all()
    for value, definition in company:
        readings[value.customer_id].append(_company_reading(value, definition))
    allowed = [trait for trait in registry.plugin_traits.values() if trait.permission in permissions]
    for _, of_table in groupby(sorted(allowed, key=_table), key=_table):
        for customer_id, reading in await _plugin_readings(session, list(of_table), readings, registry, now):
            readings[customer_id].append(reading)
    objections = await objections_of(session, customer_ids=readings)
    return {id: _after_objections(found, objections.get(id, ())) for id, found in readings.items()}


def _after_objections(found: Sequence[TraitReading], objections: Sequence[TraitObjection]) -> list[TraitReading]:
    deleted = {(one.key, one.method) for one in objections if one.kind == DELETED}
    disputed = {one.key: one.created_at for one in objections if one.kind == DISPUTED}
    kept = (reading for reading in found if (reading.key, reading.source) not in deleted)
    return sorted(
        (replace(reading, disputed_at=disputed.get(reading.key)) for reading in kept), key=lambda reading: reading.key
    )


def _standing_values(customer_ids: Collection[UUID]) -> Select[TraitValue, TraitDefinition]:
    own_first = case((col(TraitValue.profile_id) == col(TraitValue.customer_id), 0), else_=1)
    rank = func.row_number().over(
        partition_by=(col(TraitValue.customer_id), col(TraitValue.key)),
        order_by=(own_first, col(TraitValue.as_of).desc(), col(TraitValue.profile_id)),
    )
    ranked = (
        select(TraitValue, rank.label("rank")).where(col(TraitValue.customer_id).in_(list(customer_ids))).subquery()
    )
    value = aliased(TraitValue, ranked)
    return (
        select(value, TraitDefinition)
        .join(TraitDefinition, col(TraitDefinition.key) == value.key)
        .where(ranked.c.rank == 1)
    )


def _company_reading(value: TraitValue, definition: TraitDefinition) -> TraitReading:
    return TraitReading(
        key=definition.key,
        title=definition.title,
        type=definition.type,
        provenance=value.provenance,
        value=getattr(value, f"{definition.type}_value"),
        source=value.source,
        as_of=value.as_of,
        used_for=definition.used_for,
    )


def _table(trait: Trait) -> str:
    return str(trait.customer_id)


async def _plugin_readings(
    session: AsyncSession,
    traits: Sequence[Trait],
    customer_ids: Collection[UUID],
    registry: TraitRegistry,
    now: datetime,
) -> list[tuple[UUID, TraitReading]]:
    """Return the values of traits that lie in one table of a plugin."""
    owner = traits[0].customer_id
    columns = [
        column.label(name)
        for index, trait in enumerate(traits)
        for name, column in ((f"value_{index}", trait.column), (f"as_of_{index}", _as_of(trait)))
    ]
    query = select(owner.label("customer_id"), *columns).where(owner.in_(list(customer_ids)))
    return [
        (row.customer_id, _plugin_reading(trait, value, getattr(row, f"as_of_{index}"), registry))
        for row in await session.execute(query, {NOW.key: now})
        for index, trait in enumerate(traits)
        if (value := _typed(trait.type, getattr(row, f"value_{index}"))) is not None
    ]


def _as_of(trait: Trait) -> ColumnElement[Any]:
    return null() if trait.as_of is None else trait.as_of


def _plugin_reading(trait: Trait, value: Value, as_of: datetime | None, registry: TraitRegistry) -> TraitReading:
    return TraitReading(
        key=trait.key,
        title=trait.title,
        type=trait.type,
        provenance=trait.provenance,
        value=value,
        source=registry.owners[trait.key],
        as_of=as_of,
        used_for=trait.used_for,
    )


def _typed(type: TraitType, value: Any) -> Value | None:
    """Return the value as its trait's type; None for what a plugin could not compute."""
    if value is None:
        return None
    match type:
        case "number":
            number = Decimal(str(value))
            return number if number.is_finite() else None
        case "boolean":
            return bool(value)
        case "text":
            return str(value)
        case "time":
            assert isinstance(value, datetime)
            return value
