"""Count what happened with a customer, by type, so that they can see it in a few lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.tables import UtcDateTime
from regulars.touchpoints.models import Touchpoint

__all__ = ["TouchpointCount", "count_touchpoints"]


@dataclass(frozen=True)
class TouchpointCount:
    """How often something of a type happened, and when first and last."""

    type: str
    count: int
    first_at: datetime
    last_at: datetime


async def count_touchpoints(session: AsyncSession, *, customer_id: UUID) -> Sequence[TouchpointCount]:
    """Return how often each type of touchpoint happened with a customer, the most frequent first, in one statement."""
    count = func.count().label("count")
    query = (
        select(
            col(Touchpoint.type),
            count,
            func.min(col(Touchpoint.occurred_at), type_=UtcDateTime),
            func.max(col(Touchpoint.occurred_at), type_=UtcDateTime),
        )
        .where(col(Touchpoint.customer_id) == customer_id)
        .group_by(col(Touchpoint.type))
        .order_by(count.desc(), col(Touchpoint.type))
    )
    return [TouchpointCount(*row) for row in await session.execute(query)]
