"""Count points: so many for each order."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import case, delete, func, insert, literal, select
from sqlmodel import col

from regulars import JobRun, Touchpoint, UtcDateTime
from regulars_loyalty_card.manifest import LoyaltySettings
from regulars_loyalty_card.models import LoyaltyAccount

__all__ = ["count_points"]


async def count_points(run: JobRun) -> Mapping[str, Any]:
    """Count every customer's points anew, in one transaction and one statement."""
    settings = run.settings_as(LoyaltySettings)
    points = func.count() * settings.points_per_order
    counted = (
        select(
            col(Touchpoint.customer_id),
            points,
            case((points >= settings.gold_from, "gold"), else_="green"),
            literal(run.clock.now(), UtcDateTime()),
        )
        .where(col(Touchpoint.type) == "order")
        .group_by(col(Touchpoint.customer_id))
    )
    async with run.writing() as session:
        await session.execute(delete(LoyaltyAccount))
        await session.execute(
            insert(LoyaltyAccount).from_select(["customer_id", "points", "level", "counted_at"], counted)
        )
        cards = await session.scalar(select(func.count()).select_from(LoyaltyAccount))
    await run.progress(cards or 0, cards, "Counted")
    return {"cards": cards}
