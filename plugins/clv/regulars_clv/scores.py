"""Keep scores in step with what happens to customers between two fits."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars import UtcDateTime, suppressed_customers
from regulars_clv.models import ClvScore, ClvStagedScore

__all__ = ["erase_scores", "forget_merged", "forget_opted_out", "known_of", "mark_stale"]


async def mark_stale(session: AsyncSession, *, happened: Mapping[UUID, datetime]) -> None:
    """Note when something happened last with each of these customers, where their score is older than that."""
    scores = ClvScore.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
    is_older = (scores.c.as_of < bindparam("moment", type_=UtcDateTime())) & ~scores.c.is_stale
    mark = update(scores).where(scores.c.customer_id == bindparam("customer", type_=Uuid()), is_older)
    connection = await session.connection()
    await connection.execute(
        mark.values(is_stale=True), [{"customer": id, "moment": moment} for id, moment in happened.items()]
    )


async def forget_merged(session: AsyncSession, *, survivor_id: UUID, merged_id: UUID, now: datetime) -> None:
    """Drop the score of a customer who became part of another, and note that the other's is out of date."""
    for table in (ClvScore, ClvStagedScore):
        await session.execute(delete(table).where(col(table.customer_id) == merged_id))
    await mark_stale(session, happened={survivor_id: now})


async def forget_opted_out(session: AsyncSession) -> None:
    """Drop the scores of all who do not want any."""
    for table in (ClvScore, ClvStagedScore):
        await session.execute(delete(table).where(col(table.customer_id).in_(suppressed_customers(["no_scoring"]))))


async def known_of(session: AsyncSession, *, customer_id: UUID) -> Mapping[str, Any]:
    """Return what is kept of a customer, in words that a person understands."""
    score = await session.scalar(select(ClvScore).where(col(ClvScore.customer_id) == customer_id))
    if score is None:
        return {}
    return {
        "expected profit": {
            "amount": None if score.value is None else str(score.value),
            "between": [None if each is None else str(each) for each in (score.low, score.high)],
            "currency": score.currency,
            "in the next months": score.horizon_months,
        },
        "profit so far": str(score.past_profit),
        "tier": score.tier,
        "probability of coming back": score.p_alive,
        "computed by": score.model_version,
        "computed at": score.as_of.isoformat(),
        "kind of fact": "inferred: a model guessed it from your purchases",
    }


async def erase_scores(session: AsyncSession, *, customer_id: UUID) -> Mapping[str, int]:
    """Delete what is kept of a customer; return how many rows of which table."""
    erased = {}
    for table in (ClvScore, ClvStagedScore):
        done = await session.execute(delete(table).where(col(table.customer_id) == customer_id))
        erased[str(table.__tablename__)] = done.rowcount  # type: ignore[attr-defined]
    return erased
