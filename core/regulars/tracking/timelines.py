"""Append what many messages tell to the timelines of customers, in one statement."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.access.actors import Actor
from regulars.inserts import insert_new_ids
from regulars.touchpoints.drafts import TouchpointDraft, row_of
from regulars.touchpoints.models import Touchpoint
from regulars.touchpoints.service import OtherContent, differences, standing_touchpoints, tell_of_touchpoints

__all__ = ["append_touchpoints"]


async def append_touchpoints(
    session: AsyncSession, *, told: Sequence[tuple[TouchpointDraft, UUID]], actor: Actor, now: datetime
) -> list[bool | OtherContent]:
    """Append checked drafts, each to the timeline of the customer beside it, and return for each whether it is new.

    Of those that stand there already under their external id, ``OtherContent`` is returned where they are of another
    type. The caller holds the customers, and each draft has an external id.
    """
    rows = [row_of(draft, customer_id=customer_id, now=now) for draft, customer_id in told]
    new = await insert_new_ids(session, Touchpoint, rows, unless_taken=("source", "external_id"))
    recorded = [row for row in rows if row["id"] in new]
    await tell_of_touchpoints(session, recorded=recorded, actor=actor, now=now)
    known = {(row["source"], row["external_id"]) for row in rows if row["id"] not in new}
    standing = await standing_touchpoints(session, known)
    return [row["id"] in new or _against(row, standing[row["source"], row["external_id"]]) for row in rows]


def _against(row: dict[str, Any], existing: Touchpoint) -> bool | OtherContent:
    different = differences(existing, row)
    return OtherContent(existing, different) if "type" in different else False
