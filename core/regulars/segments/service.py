"""Save filters over customers, and find what a filter needs to know of other segments."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Executable, Result, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.errors import Conflict, InvalidInput, NotFound, NotUnique
from regulars.events.service import record_event
from regulars.fields.ids import global_id, row_id
from regulars.segments.models import Segment

__all__ = [
    "IN_SEGMENTS",
    "create_segment",
    "delete_segment",
    "named_segments",
    "read_segments_behind",
    "update_segment",
]

IN_SEGMENTS = "segments"


class Executes(Protocol):
    """Something that runs a statement: a session, or a request."""

    async def execute(self, statement: Executable, /) -> Result[*tuple[Any, ...]]:
        """Run one statement."""
        ...


class CircularSegment(InvalidInput):
    """A segment would contain itself, directly or through others."""

    code = "CIRCULAR_SEGMENT"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The segment {name!r} would contain itself. Take the segments out of its filter that lead back to it.",
            path=("where",),
        )


def named_segments(where: Any) -> Iterator[UUID]:
    """Yield the ids of the segments that a ``where`` names, at any depth."""
    if isinstance(where, list):
        for part in where:
            yield from named_segments(part)
    elif isinstance(where, Mapping):
        for word, value in where.items():
            if word == IN_SEGMENTS and isinstance(value, Mapping):
                for ids in value.values():
                    yield from (row_id("Segment", each) for each in ids or ())
            else:
                yield from named_segments(value)


async def read_segments_behind(executes: Executes, where: Mapping[str, Any]) -> dict[UUID, Mapping[str, Any]]:
    """Return the filters of all segments that a ``where`` names, also through other segments, one statement a level.

    Raises ``NotFound`` for a segment that does not exist.
    """
    found: dict[UUID, Mapping[str, Any]] = {}
    wanted = set(named_segments(where))
    while wanted:
        rows = (await executes.execute(select(Segment).where(col(Segment.id).in_(wanted)))).scalars().all()
        missing = wanted - {row.id for row in rows}
        if missing:
            raise NotFound("segment", global_id("Segment", missing.pop()), path=("where",))
        found.update({row.id: row.where for row in rows})
        wanted = {each for row in rows for each in named_segments(row.where)} - set(found)
    return found


async def create_segment(
    session: AsyncSession,
    *,
    name: str,
    description: str | None,
    where: Mapping[str, Any],
    actor: str,
    now: datetime,
) -> Segment:
    """Save a filter under a name; ``where`` has been checked against ``CustomerWhere`` and is plain JSON."""
    await _check_name(session, name, None)
    await read_segments_behind(session, where)
    segment = Segment(name=name, description=description, where=dict(where), created_at=now, updated_at=now)
    session.add(segment)
    await _tell(session, "segment.created", segment, actor, now)
    return segment


async def update_segment(
    session: AsyncSession,
    *,
    segment_id: UUID,
    changes: Mapping[str, Any],
    expected_version: int | None,
    actor: str,
    now: datetime,
) -> Segment:
    """Change ``name``, ``description`` or ``where`` of a segment; what ``changes`` leaves out stays."""
    segment = await _read(session, segment_id)
    if expected_version is not None and expected_version != segment.version:
        raise Conflict("segment", segment.name, expected=expected_version, actual=segment.version)
    if "name" in changes:
        await _check_name(session, changes["name"], segment_id)
    if "where" in changes:
        behind = await read_segments_behind(session, changes["where"])
        if segment_id in behind:
            raise CircularSegment(segment.name)
    for word in ("name", "description", "where"):
        if word in changes:
            setattr(segment, word, changes[word])
    segment.version += 1
    segment.updated_at = now
    await _tell(session, "segment.updated", segment, actor, now)
    return segment


async def delete_segment(session: AsyncSession, *, segment_id: UUID, actor: str, now: datetime) -> Segment:
    """Delete a segment that no other segment names."""
    segment = await _read(session, segment_id)
    others = (await session.execute(select(Segment).where(col(Segment.id) != segment_id))).scalars()
    users = [other.name for other in others if segment_id in named_segments(other.where)]
    if users:
        raise InvalidInput(
            f"The segment {segment.name!r} is used by {', '.join(sorted(users))}. Change those first.", path=("id",)
        )
    await session.delete(segment)
    await _tell(session, "segment.deleted", segment, actor, now)
    return segment


async def _read(session: AsyncSession, segment_id: UUID) -> Segment:
    segment = await session.get(Segment, segment_id)
    if segment is None:
        raise NotFound("segment", global_id("Segment", segment_id), path=("id",))
    return segment


async def _check_name(session: AsyncSession, name: str, except_id: UUID | None) -> None:
    if not name.strip():
        raise InvalidInput("A segment needs a name.", path=("name",))
    there = (await session.execute(select(Segment).where(col(Segment.name) == name))).scalar_one_or_none()
    if there is not None and there.id != except_id:
        raise NotUnique(
            f"There is a segment named {name!r} already. Choose another name, or change that one.",
            conflicting_id=global_id("Segment", there.id),
            path=("name",),
        )


async def _tell(session: AsyncSession, type: str, segment: Segment, actor: str, now: datetime) -> None:
    await record_event(
        session, type=type, subject=f"segment:{segment.id}", actor=actor, data={"id": str(segment.id)}, now=now
    )
