"""Count points: so many for each order."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, delete, func, insert, literal, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped
from sqlmodel import col

from regulars import JobRun, Touchpoint, UtcDateTime
from regulars_loyalty_card.manifest import LoyaltySettings
from regulars_loyalty_card.models import LoyaltyAccount

__all__ = ["count_all_points", "count_points"]


async def count_points(
    session: AsyncSession, *, customer_ids: Collection[UUID] | None, settings: LoyaltySettings, now: datetime
) -> None:
    """Count the points of these customers anew, of all for None; counting twice changes nothing."""
    points = func.count() * settings.points_per_order
    level = case((points >= settings.gold_from, "gold"), else_="green")
    buyer = col(Touchpoint.customer_id)
    counted = (
        select(buyer, points, level, literal(now, UtcDateTime()))
        .where(col(Touchpoint.type) == "order", _is_among(customer_ids, buyer))
        .group_by(buyer)
    )
    await session.execute(delete(LoyaltyAccount).where(_is_among(customer_ids, col(LoyaltyAccount.customer_id))))
    await session.execute(insert(LoyaltyAccount).from_select(["customer_id", "points", "level", "counted_at"], counted))


def _is_among(customer_ids: Collection[UUID] | None, column: Mapped[UUID]) -> ColumnElement[bool]:
    return true() if customer_ids is None else column.in_(customer_ids)


async def count_all_points(run: JobRun) -> Mapping[str, Any]:
    """Count every customer's points anew, in one transaction."""
    settings = run.settings_as(LoyaltySettings)
    async with run.writing() as session:
        await count_points(session, customer_ids=None, settings=settings, now=run.clock.now())
        cards = await session.scalar(select(func.count()).select_from(LoyaltyAccount))
    await run.progress(cards or 0, cards, "Counted")
    return {"cards": cards}
