"""The hooks of the loyalty_card plugin."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlmodel import col

from regulars import (
    ErasureReceipt,
    GraphQLPart,
    Job,
    Migrations,
    Pages,
    PluginContext,
    Table,
    Trait,
    hookimpl,
)
from regulars_loyalty_card.counting import count_points
from regulars_loyalty_card.graphql import CustomerLoyalty
from regulars_loyalty_card.models import LoyaltyAccount
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
    """Add the card to every customer."""
    return GraphQLPart(fields={"Customer": CustomerLoyalty})


@hookimpl
def traits() -> Sequence[Trait]:
    """Offer points to segments."""
    return [
        Trait(
            key="loyalty_card.points",
            title="Points on the loyalty card",
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
    """Count points when asked."""
    return [Job("loyalty_card.count", run=count_points, title="Count points", permission="loyalty_card:read")]


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
