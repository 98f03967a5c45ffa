"""Say what the events of a source mean, and read what was said."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.access.models import ApiKey
from regulars.errors import Conflict, NotFound, OutOfRange
from regulars.events.service import record_event
from regulars.fields.ids import global_id
from regulars.inserts import insert_new
from regulars.many import is_among
from regulars.tables import new_id
from regulars.touchpoints.types import TouchpointTypes
from regulars.tracking.meanings import FieldSource, Meaning, checked_meaning
from regulars.tracking.models import MappedEvent, MappedField
from regulars.tracking.standard_events import standard_meanings
from regulars.writing import fetch

__all__ = ["map_event", "map_standard_events", "meanings_of", "unmap_event"]

MOST_EVENTS = 500
"""Events of one source that mean something: they are known to every request of it."""

PARTS = (
    "type",
    "amount_properties",
    "currency_property",
    "currency",
    "channel_property",
    "channel",
    "external_id_property",
)

MEANINGS = (
    select(
        col(MappedEvent.event),
        *(getattr(MappedEvent, part) for part in PARTS),
        *(getattr(MappedField, part) for part in ("field", "property", "times")),
    )
    .outerjoin(MappedField, col(MappedField.event_id) == col(MappedEvent.id))
    .where(
        col(MappedEvent.source) == bindparam("source"),
        is_among(col(MappedEvent.event), "events"),
    )
    .order_by(col(MappedField.field))
)


async def map_event(
    session: AsyncSession,
    *,
    meaning: Meaning,
    types: TouchpointTypes,
    expected_version: int | None = None,
    actor: Actor,
    now: datetime,
) -> MappedEvent:
    """Say what an event means from now on, in place of what was said before; what was taken in stays as it is.

    Raises what ``checked_meaning`` raises, ``NotFound`` for a source that never had a write key, ``Conflict``, and
    ``OutOfRange`` for more than 500 events of one source.
    """
    checked = checked_meaning(meaning, types=types)
    row = await _row_to_change(session, checked.source, checked.event)
    actual = 0 if row is None else row.version
    if expected_version is not None and expected_version != actual:
        raise Conflict("event", repr(checked.event), expected=expected_version, actual=actual)
    if row is None:
        row = await _new_row(session, checked, now)
        changed = [*PARTS, "fields"]
    else:
        standing = (await meanings_of(session, source=row.source, events=[row.event]))[row.event]
        changed = [name for name in (*PARTS, "fields") if getattr(standing, name) != getattr(checked, name)]
        if not changed:
            return row
        for name in PARTS:
            given = getattr(checked, name)
            setattr(row, name, list(given) if isinstance(given, tuple) else given)
        row.version, row.updated_at = row.version + 1, now
        await session.execute(delete(MappedField).where(col(MappedField.event_id) == row.id))
    session.add_all(MappedField(event_id=row.id, **vars(one)) for one in checked.fields)
    await session.flush()
    await _tell(session, "tracking.event_mapped", row, changed, actor, now)
    return row


async def map_standard_events(
    session: AsyncSession,
    *,
    source: str,
    currency: str | None,
    channel: str | None,
    types: TouchpointTypes,
    actor: Actor,
    now: datetime,
) -> list[MappedEvent]:
    """Say of the standard events of shops what they mean, unless that was said, and return them as they stand.

    Raises what ``map_event`` raises.
    """
    events = []
    for meaning in standard_meanings(source, currency=currency, channel=channel):
        row = await _row_to_change(session, source, meaning.event)
        if row is None:
            row = await map_event(session, meaning=meaning, types=types, actor=actor, now=now)
        events.append(row)
    return events


async def unmap_event(session: AsyncSession, *, event_id: UUID, actor: Actor, now: datetime) -> None:
    """Let an event mean nothing but itself again; raises ``NotFound``."""
    row = await session.get(MappedEvent, event_id, with_for_update=True)
    if row is None:
        raise NotFound("event", global_id("TrackingEvent", event_id), path=("id",))
    await session.delete(row)
    await _tell(session, "tracking.event_unmapped", row, [], actor, now)


async def meanings_of(session: AsyncSession, *, source: str, events: Collection[str]) -> Mapping[str, Meaning]:
    """Return what these events of a source mean, by event, in one statement; what means only itself is left out."""
    if not events:
        return {}
    found: dict[str, Meaning] = {}
    await session.flush()
    for event, *parts, field, property, times in await fetch(session, MEANINGS, source=source, events=events):
        if event not in found:
            named = dict(zip(PARTS, parts, strict=True))
            named["amount_properties"] = tuple(named["amount_properties"])
            found[event] = Meaning(source, event, **named)
        if field is not None:
            said = found[event]
            found[event] = replace(said, fields=(*said.fields, FieldSource(field, property, times)))
    return found


async def _row_to_change(session: AsyncSession, source: str, event: str) -> MappedEvent | None:
    of_event = (col(MappedEvent.source) == source, col(MappedEvent.event) == event)
    return await session.scalar(select(MappedEvent).where(*of_event).with_for_update())


async def _new_row(session: AsyncSession, meaning: Meaning, now: datetime) -> MappedEvent:
    of_source = col(ApiKey.kind) == "source", col(ApiKey.source) == meaning.source
    if await session.scalar(select(col(ApiKey.id)).where(*of_source).limit(1)) is None:
        raise NotFound("source with a write key", repr(meaning.source), path=("source",))
    taken = select(col(MappedEvent.id)).where(col(MappedEvent.source) == meaning.source).limit(MOST_EVENTS)
    if len((await session.scalars(taken)).all()) == MOST_EVENTS:
        raise OutOfRange(f"{meaning.source} has {MOST_EVENTS} events that mean something already.", path=("event",))
    parts = {name: getattr(meaning, name) for name in PARTS}
    row = {
        **parts,
        "amount_properties": list(meaning.amount_properties),
        "id": new_id(),
        "source": meaning.source,
        "event": meaning.event,
        "version": 1,
        "updated_at": now,
    }
    new = await insert_new(session, MappedEvent, [row], unless_taken=("source", "event"))
    if not new:  # somebody else said so at the same moment
        raise Conflict("event", repr(meaning.event), expected=0, actual=1)
    return new[0]


async def _tell(
    session: AsyncSession, type: str, row: MappedEvent, changed: Sequence[str], actor: Actor, now: datetime
) -> None:
    await record_event(
        session,
        type=type,
        subject=f"tracking_event:{row.id}",
        actor=actor.label,
        data={"source": row.source, "type": row.type, "changed": list(changed)},
        now=now,
    )
