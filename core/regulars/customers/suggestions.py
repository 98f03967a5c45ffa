"""Suggest that two customers may be one; people decide."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.customers.models import Customer, MergeSuggestion
from regulars.errors import NotFound
from regulars.events.service import record_event
from regulars.inserts import insert_new
from regulars.tables import new_id

__all__ = ["dismiss_suggestion", "is_open", "suggest_merges"]


async def suggest_merges(
    session: AsyncSession, *, pairs: Sequence[tuple[UUID, UUID]], reason: str, actor: str, now: datetime
) -> Sequence[MergeSuggestion]:
    """Suggest to merge each pair of customers, and return the suggestions that are new.

    A pair that was suggested before stays as it is, though somebody dismissed it.
    """
    rows = [
        {
            "id": new_id(),
            "first_id": min(pair),
            "second_id": max(pair),
            "reason": reason,
            "suggested_by": actor,
            "created_at": now,
        }
        for pair in sorted({(min(pair), max(pair)) for pair in pairs})
        if len(set(pair)) == 2
    ]
    new = await insert_new(session, MergeSuggestion, rows, unless_taken=("first_id", "second_id"))
    for one in new:
        await record_event(
            session,
            type="customer.merge_suggested",
            subject=f"customer:{one.first_id}",
            actor=actor,
            data={"suggestionId": str(one.id), "otherId": str(one.second_id)},
            now=now,
        )
    return new


async def dismiss_suggestion(session: AsyncSession, *, id: UUID, actor: Actor, now: datetime) -> MergeSuggestion:
    """Note that two customers are not one; dismissing twice changes nothing. Raises ``NotFound``."""
    suggestion = await session.get(MergeSuggestion, id, with_for_update=True)
    if suggestion is None:
        raise NotFound("suggestion of a merge", id)
    if suggestion.dismissed_at is None:
        suggestion.dismissed_at = now
        await record_event(
            session,
            type="customer.merge_dismissed",
            subject=f"customer:{suggestion.first_id}",
            actor=actor.label,
            data={"suggestionId": str(id), "otherId": str(suggestion.second_id)},
            now=now,
        )
    return suggestion


def is_open() -> ColumnElement[bool]:
    """Return, as SQL over ``core_merge_suggestion``, whether both are still customers of their own."""
    first, second = aliased(Customer), aliased(Customer)
    return (
        col(MergeSuggestion.dismissed_at).is_(None)
        & exists().where(col(first.id) == col(MergeSuggestion.first_id), *_stands_alone(first))
        & exists().where(col(second.id) == col(MergeSuggestion.second_id), *_stands_alone(second))
    )


def _stands_alone(customer: type[Customer]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(customer.merged_into_id).is_(None), col(customer.deleted_at).is_(None)
