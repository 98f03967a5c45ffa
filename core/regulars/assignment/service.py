"""Assign units to the arms of a programme: once, for good, and in one statement for thousands of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.assignment.draws import arm_of, drawing, slicing
from regulars.assignment.models import AssignedUnit, AssignmentProgramme
from regulars.assignment.programmes import arms_of, read_holdout
from regulars.assignment.rows import insert_drawn
from regulars.checks import check_text
from regulars.errors import ForbiddenTransition, InvalidInput
from regulars.many import is_among

__all__ = ["Assigned", "Assignment", "assign_units", "draw_units", "forget_units", "keep_drawn", "read_assignments"]

CHUNK = 20_000
HELD_OUT = "held_out"
IN_ANOTHER = "layer"


class Assignment(NamedTuple):
    """The arm of one unit, with the number that orders its entry and the one that picked the arm."""

    unit: str
    arm: str
    entry_value: float
    arm_value: float


@dataclass(frozen=True)
class Assigned:
    """Who is in which arm, and who takes no part: ``held_out`` of everything, or in another programme of the layer."""

    by_unit: Mapping[str, Assignment]
    excluded: Mapping[str, str]


class ProgrammeClosed(ForbiddenTransition):
    """Units were to be assigned in a programme that is over."""

    code = "PROGRAMME_CLOSED"

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"The programme {key!r} is closed, and assigns nobody any more. Create another one.")


def draw_units(programme: AssignmentProgramme, units: Iterable[str]) -> list[Assignment]:
    """Return the arms that the units would get, without keeping them: the same ones whenever and wherever it is asked.

    The holdout and the layer are not looked at.
    """
    draw, arms = drawing(programme.seed, programme.key), arms_of(programme)
    return [
        Assignment(unit, arm_of(number.arm, arms), number.entry, number.arm)
        for unit in units
        for number in (draw(unit),)
    ]


async def assign_units(
    session: AsyncSession, *, programme: AssignmentProgramme, units: Sequence[str], now: datetime
) -> Assigned:
    """Assign the units, and return the arm of each; who was assigned before keeps their arm.

    Any number of processes may do this at once: each unit has one row in the programme, and one in its layer. A unit
    that is named twice counts once. Raises ``ProgrammeClosed``, and ``InvalidInput`` for a unit without an id.
    """
    named = sorted(set(units))
    holdout = await read_holdout(session, unit_kind=programme.unit_kind, now=now) if programme.has_holdout else None
    if holdout is None:
        return await keep_drawn(session, programme=programme, drawn=draw_units(programme, named), now=now)
    held = set(filter(slicing(holdout.seed, share=holdout.share), named))
    before = await read_assignments(session, programme_id=programme.id, units=sorted(held))
    drawn = draw_units(programme, [unit for unit in named if unit not in held or unit in before])
    assigned = await keep_drawn(session, programme=programme, drawn=drawn, now=now)
    return Assigned(assigned.by_unit, {**assigned.excluded, **dict.fromkeys(held - before.keys(), HELD_OUT)})


async def keep_drawn(
    session: AsyncSession, *, programme: AssignmentProgramme, drawn: Sequence[Assignment], now: datetime
) -> Assigned:
    """Keep arms that were drawn in whatever way, and return what holds; who was assigned before keeps their arm.

    Raises what ``assign_units`` raises.
    """
    if programme.closed_at is not None:
        raise ProgrammeClosed(programme.key)
    by_unit: dict[str, Assignment] = {}
    # Everybody inserts in the same order, so that two who want the same units wait for one another, not both.
    ordered = sorted({each.unit: each for each in drawn}.values())
    for start in range(0, len(ordered), CHUNK):
        chunk = ordered[start : start + CHUNK]
        _check_units(chunk)
        added = await insert_drawn(session, programme_id=programme.id, layer=programme.layer, drawn=chunk, now=now)
        if added == len(chunk):
            by_unit.update((each.unit, each) for each in chunk)
        else:
            units = [each.unit for each in chunk]
            found = await read_assignments(session, programme_id=programme.id, units=units)
            by_unit.update((unit, found[unit]) for unit in units if unit in found)
    return Assigned(by_unit, {each.unit: IN_ANOTHER for each in ordered if each.unit not in by_unit})


async def read_assignments(session: AsyncSession, *, programme_id: UUID, units: Sequence[str]) -> dict[str, Assignment]:
    """Return the arms of those units that have one in the programme."""
    if not units:
        return {}
    rows = await session.execute(
        select(
            col(AssignedUnit.unit),
            col(AssignedUnit.arm),
            col(AssignedUnit.entry_value),
            col(AssignedUnit.arm_value),
        ).where(col(AssignedUnit.programme_id) == programme_id, is_among(col(AssignedUnit.unit), units))
    )
    return {row[0]: Assignment(*row) for row in rows}


async def forget_units(session: AsyncSession, *, unit_kind: str, units: Sequence[str]) -> int:
    """Delete every row of these units, for whoever is erased; return how many there were."""
    of_kind = select(col(AssignmentProgramme.id)).where(col(AssignmentProgramme.unit_kind) == unit_kind)
    connection = await session.connection()
    gone = delete(AssignedUnit).where(
        is_among(col(AssignedUnit.unit), units), col(AssignedUnit.programme_id).in_(of_kind)
    )
    return (await connection.execute(gone)).rowcount


def _check_units(drawn: Sequence[Assignment]) -> None:
    for unit, *_ in drawn:
        if not unit or len(unit) > 255 or "\x00" in unit or unit.isspace():
            check_text(unit, path=("units",))
            raise InvalidInput(f"{unit!r} is no id of a unit.", path=("units",))
