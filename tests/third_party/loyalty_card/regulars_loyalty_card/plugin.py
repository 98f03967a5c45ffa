"""The hooks of the loyalty_card plugin."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlmodel import col

from regulars import (
    ErasureReceipt,
    EventEnvelope,
    EventHandler,
    GraphQLPart,
    Job,
    Migrations,
    Pages,
    PluginContext,
    Table,
    Trait,
    hookimpl,
)
from regulars_loyalty_card.counting import count_all_points, count_points
from regulars_loyalty_card.graphql import CustomerLoyalty
from regulars_loyalty_card.manifest import LoyaltySettings
from regulars_loyalty_card.models import LoyaltyAccount
from regulars_loyalty_card.mutations import LoyaltyMutations
from regulars_loyalty_card.pages import PAGES


@hookimpl
def models() -> Sequence[type[Table]]:
    """Keep cards."""
    return [LoyaltyAccount]


@hookimpl
def migrations() -> Migrations:
    """Make the table."""
    return Migrations("regulars_loyalty_card:migrations/versions")


@hookimpl
def graphql() -> GraphQLPart:
    """Add the card to every customer, and a way to count its points."""
    return GraphQLPart(fields={"Customer": CustomerLoyalty, "Mutation": LoyaltyMutations})


@hookimpl
def traits() -> Sequence[Trait]:
    """Offer points to segments."""
    return [
        Trait(
            key="loyalty_card.points",
            title="Points on the loyalty card",
            titles={"de": "Punkte auf der Kundenkarte"},
            type="number",
            provenance="observed",
            column=col(LoyaltyAccount.points),
            customer_id=col(LoyaltyAccount.customer_id),
            as_of=col(LoyaltyAccount.counted_at),
            permission="loyalty_card:read",
            sortable=True,
        )
    ]


@hookimpl
def jobs() -> Sequence[Job]:
    """Count all points when asked."""
    return [Job("loyalty_card.count", run=count_all_points, title="Count points", permission="loyalty_card:read")]


@hookimpl
def events() -> Mapping[str, EventHandler]:
    """Count again for whoever bought."""
    return {"touchpoint.recorded": _touchpoints_recorded}


async def _touchpoints_recorded(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
    await _recount(ctx, [UUID(event.subject.partition(":")[2]) for event in events if event.data["type"] == "order"])


async def _recount(ctx: PluginContext, customer_ids: Sequence[UUID]) -> None:
    settings = ctx.settings_as(LoyaltySettings)
    await count_points(ctx.session, customer_ids=customer_ids, settings=settings, now=ctx.clock.now())


@hookimpl
def pages() -> Pages:
    """Show how many cards there are."""
    return PAGES


@hookimpl
async def personal_data_export(ctx: PluginContext, customer_id: UUID) -> Mapping[str, Any]:
    """Tell the points."""
    mine = col(LoyaltyAccount.customer_id) == customer_id
    account = await ctx.session.scalar(select(LoyaltyAccount).where(mine))
    return {} if account is None else {"points": account.points, "level": account.level}


@hookimpl
async def personal_data_erase(ctx: PluginContext, customer_id: UUID) -> ErasureReceipt:
    """Delete the card."""
    done = await ctx.session.execute(delete(LoyaltyAccount).where(col(LoyaltyAccount.customer_id) == customer_id))
    return ErasureReceipt(rows={"loyalty_card_account": done.rowcount})  # type: ignore[attr-defined]


@hookimpl
async def customer_merged(ctx: PluginContext, survivor_id: UUID, merged_id: UUID) -> None:
    """Give the survivor the points of both."""
    await _recount(ctx, [survivor_id, merged_id])


@hookimpl
async def customer_unmerged(ctx: PluginContext, survivor_id: UUID, merged_id: UUID) -> None:
    """Give each their own points again."""
    await _recount(ctx, [survivor_id, merged_id])
