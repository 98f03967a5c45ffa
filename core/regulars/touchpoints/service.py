"""Record what happened between customers and the company."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.audit.service import record_audit, tentatively
from regulars.customers.survivors import HeldCustomer, held_survivors, holding_at_once
from regulars.errors import ExpectedError, NotFound, OutOfRange
from regulars.events.service import add_event
from regulars.inserts import insert_at_once, insert_new
from regulars.touchpoints.drafts import TouchpointDraft, checked_draft, row_of
from regulars.touchpoints.models import Touchpoint
from regulars.touchpoints.types import TouchpointTypes
from regulars.writing import WritingSession

__all__ = [
    "LARGEST_BATCH",
    "OtherContent",
    "RecordedTouchpoint",
    "differences",
    "record_touchpoint",
    "record_touchpoints",
    "standing_touchpoints",
    "tell_of_touchpoints",
]

LARGEST_BATCH = 500

_UNIQUE = ("source", "external_id")

_Key = tuple[str, str]


@dataclass(frozen=True)
class RecordedTouchpoint:
    """A touchpoint that stands in the timeline; ``is_new`` is false where it already stood there."""

    touchpoint: Touchpoint
    is_new: bool


class OtherContent(ExpectedError):
    """A touchpoint came again under the same external id, but it tells something else."""

    code = "CONFLICT"

    def __init__(self, existing: Touchpoint, differences: Sequence[str]) -> None:
        self.touchpoint_id, self.differences = existing.id, tuple(differences)
        self.conflicting_id = str(existing.id)
        self.path = ("externalId",)
        super().__init__(
            f"{existing.source} already sent {existing.external_id!r} with another {', '.join(differences)}"
            f" (touchpoint {existing.id}). Touchpoints never change: record a new one with an id of its own."
        )


async def record_touchpoint(
    session: AsyncSession, *, draft: TouchpointDraft, types: TouchpointTypes, actor: Actor, now: datetime
) -> RecordedTouchpoint:
    """Append a touchpoint to the customer's timeline, or return the one that already stands there.

    Raises what ``checked_draft`` raises, ``NotFound`` for an unknown or deleted customer, and ``OtherContent`` when the
    source used the external id for something else.
    """
    checked = checked_draft(draft, types=types, now=now)
    if isinstance(session, WritingSession):
        touchpoint = await _recorded_at_once(session, draft=checked, actor=actor, now=now)
        if touchpoint is not None:
            return RecordedTouchpoint(touchpoint, is_new=True)
    [result] = await record_touchpoints(session, drafts=[draft], types=types, actor=actor, now=now)
    if isinstance(result, ExpectedError):
        raise result
    return result


async def record_touchpoints(
    session: AsyncSession, *, drafts: Sequence[TouchpointDraft], types: TouchpointTypes, actor: Actor, now: datetime
) -> list[RecordedTouchpoint | ExpectedError]:
    """Append touchpoints, in as many statements for 500 as for one; return what became of each, in order.

    A draft that cannot be recorded is answered with its error and holds up no other; the caller decides whether the
    whole is rolled back. Raises ``OutOfRange`` for more than 500.
    """
    if len(drafts) > LARGEST_BATCH:
        raise OutOfRange(f"{len(drafts)} touchpoints are too many at once. Send at most {LARGEST_BATCH}, or import.")
    checked = [_checked(draft, types, now) for draft in drafts]
    asked = {draft.customer_id for draft in checked if isinstance(draft, TouchpointDraft)}
    customers = await held_survivors(session, asked)
    rows = [_row(draft, customers, now) for draft in checked]
    first_of_key: dict[_Key | UUID, UUID] = {}
    for row in rows:
        if not isinstance(row, ExpectedError):
            first_of_key.setdefault(_key(row) or row["id"], row["id"])
    firsts = set(first_of_key.values())
    new = await insert_new(
        session,
        Touchpoint,
        [row for row in rows if not isinstance(row, ExpectedError) and row["id"] in firsts],
        unless_taken=_UNIQUE,
    )
    by_id = {touchpoint.id: touchpoint for touchpoint in new}
    known = {key for row in rows if not isinstance(row, ExpectedError) and row["id"] not in by_id if (key := _key(row))}
    by_key = await standing_touchpoints(session, known)
    await tell_of_touchpoints(
        session,
        recorded=[row for row in rows if not isinstance(row, ExpectedError) and row["id"] in by_id],
        actor=actor,
        now=now,
    )
    return [row if isinstance(row, ExpectedError) else _outcome(row, by_id, by_key) for row in rows]


async def tell_of_touchpoints(
    session: AsyncSession, *, recorded: Sequence[Mapping[str, Any]], actor: Actor, now: datetime
) -> None:
    """Tell of rows that were written: each in the outbox, all of them in one entry of the audit log."""
    for row in recorded:
        add_event(
            session,
            type="touchpoint.recorded",
            subject=f"customer:{row['customer_id']}",
            actor=actor.label,
            data={"touchpointId": str(row["id"]), "type": row["type"]},
            now=now,
        )
    if recorded:
        subjects = {f"customer:{row['customer_id']}" for row in recorded}
        await record_audit(
            session,
            actor=actor.label,
            action="touchpoint.recorded",
            subject=subjects.pop() if len(subjects) == 1 else f"customers:{len(subjects)}",
            fields=[f"{len(recorded)} touchpoints"],
            now=now,
        )


async def standing_touchpoints(
    session: AsyncSession, names: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Touchpoint]:
    """Return the touchpoints that stand under these names, each a source and an external id."""
    if not names:
        return {}
    columns = tuple_(col(Touchpoint.source), col(Touchpoint.external_id))
    found = await session.scalars(select(Touchpoint).where(columns.in_(names)))
    return {(touchpoint.source, touchpoint.external_id or ""): touchpoint for touchpoint in found}


def differences(existing: Touchpoint, row: Mapping[str, Any]) -> list[str]:
    """Return the names of the columns in which a row, sent again, tells something else than what stands there."""
    different = [name for name in _COMPARED if getattr(existing, name) != row[name]]
    if _comparable(existing.payload) != _comparable(row["payload"]):
        different.append("payload")
    return different


async def _recorded_at_once(
    session: WritingSession, *, draft: TouchpointDraft, actor: Actor, now: datetime
) -> Touchpoint | None:
    """Record a touchpoint by one statement; None if the customer, or its external id, asks for a second look."""
    await session.flush()
    row = row_of(draft, customer_id=draft.customer_id, now=now)
    with tentatively(session) as is_recorded:
        await tell_of_touchpoints(session, recorded=[row], actor=actor, now=now)
        touchpoint = await insert_at_once(session, Touchpoint, row, unless_taken=_UNIQUE, provided=holding_at_once())
        if touchpoint is not None:
            is_recorded()
    return touchpoint


def _checked(draft: TouchpointDraft, types: TouchpointTypes, now: datetime) -> TouchpointDraft | ExpectedError:
    try:
        return checked_draft(draft, types=types, now=now)
    except ExpectedError as error:
        return error


def _row(
    draft: TouchpointDraft | ExpectedError, customers: Mapping[UUID, HeldCustomer], now: datetime
) -> dict[str, Any] | ExpectedError:
    if isinstance(draft, ExpectedError):
        return draft
    customer = customers.get(draft.customer_id)
    if customer is None or not customer.is_there:
        return NotFound("customer", draft.customer_id, path=("customerId",))
    return row_of(draft, customer_id=customer.id, now=now)


def _key(row: Mapping[str, Any]) -> _Key | None:
    return None if row["external_id"] is None else (row["source"], row["external_id"])


def _outcome(
    row: Mapping[str, Any], by_id: Mapping[UUID, Touchpoint], by_key: Mapping[_Key, Touchpoint]
) -> RecordedTouchpoint | ExpectedError:
    if row["id"] in by_id:
        return RecordedTouchpoint(by_id[row["id"]], is_new=True)
    existing = by_key[(row["source"], row["external_id"])]
    different = differences(existing, row)
    return OtherContent(existing, different) if different else RecordedTouchpoint(existing, is_new=False)


_COMPARED = ("customer_id", "type", "channel", "occurred_at", "amount", "currency", "cost")


def _comparable(payload: Mapping[str, Any] | None) -> Any:
    # PostgreSQL keeps 1e23 as a whole number, SQLite as a float.
    return json.loads(json.dumps(payload), parse_int=float)
