"""Keep scores in step with what happens to customers between two fits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars import UtcDateTime, customers_who_deleted, suppressed_customers
from regulars_clv.models import ClvPastScore, ClvScore, ClvStagedScore
from regulars_clv.traits import TRAITS

__all__ = ["erase_scores", "forget_merged", "forget_unwanted", "known_of", "mark_stale", "past_scores", "unwilling"]

MOST_MONTHS = 1200
TABLES = (ClvScore, ClvPastScore, ClvStagedScore)


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
    for table in TABLES:
        await session.execute(delete(table).where(col(table.customer_id) == merged_id))
    await mark_stale(session, happened={survivor_id: now})


def unwilling() -> tuple[Select[Any], Select[Any]]:
    """Return, as SQL, the ids of customers who want no scores, and of those who had one of this plugin's deleted.

    All that the plugin says of a customer is one estimate: who has a part of it deleted is left out whole.
    """
    return suppressed_customers(["no_scoring"]), customers_who_deleted([trait.key for trait in TRAITS])


async def forget_unwanted(session: AsyncSession) -> None:
    """Drop the scores of all who do not want any."""
    for table in TABLES:
        for customers in unwilling():
            await session.execute(delete(table).where(col(table.customer_id).in_(customers)))


async def past_scores(session: AsyncSession, *, customer_id: UUID, most: int) -> Sequence[ClvPastScore]:
    """Return what was said of a customer in the last ``most`` months in which there was a score, the oldest first."""
    query = select(ClvPastScore).where(col(ClvPastScore.customer_id) == customer_id)
    newest = (await session.scalars(query.order_by(col(ClvPastScore.month).desc()).limit(most))).all()
    return newest[::-1]


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
        "earlier": [
            {"month": past.month, "between": [str(past.low), str(past.high)], "computed by": past.model_version}
            for past in await past_scores(session, customer_id=customer_id, most=MOST_MONTHS)
        ],
        "kind of fact": "inferred: a model guessed it from your purchases",
    }


async def erase_scores(session: AsyncSession, *, customer_id: UUID) -> Mapping[str, int]:
    """Delete what is kept of a customer; return how many rows of which table."""
    erased = {}
    for table in TABLES:
        done = await session.execute(delete(table).where(col(table.customer_id) == customer_id))
        erased[str(table.__tablename__)] = done.rowcount  # type: ignore[attr-defined]
    return erased
