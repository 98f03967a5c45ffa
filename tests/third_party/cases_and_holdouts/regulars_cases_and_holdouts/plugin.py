"""The hooks of the cases_and_holdouts plugin."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlmodel import col

from regulars import ContactRule, ErasureReceipt, Migrations, PluginContext, Table, hookimpl
from regulars_cases_and_holdouts.cases import CASE_RULES
from regulars_cases_and_holdouts.holdouts import HOLDOUT_RULE
from regulars_cases_and_holdouts.models import TABLES


@hookimpl
def models() -> Sequence[type[Table]]:
    """Keep what stands against contacts."""
    return TABLES


@hookimpl
def migrations() -> Migrations:
    """Make the tables."""
    return Migrations("regulars_cases_and_holdouts:migrations/versions")


@hookimpl
def contact_rules() -> Sequence[ContactRule]:
    """Stand against contacts."""
    return (*CASE_RULES, HOLDOUT_RULE)


@hookimpl
async def personal_data_export(ctx: PluginContext, customer_id: UUID) -> Mapping[str, Any]:
    """Tell all rows."""
    told = {}
    for table in TABLES:
        rows = await ctx.session.scalars(select(table).where(col(table.customer_id) == customer_id))
        told[table.__tablename__.removeprefix("cases_and_holdouts_")] = [
            row.model_dump(exclude={"id", "customer_id", "profile_id"}) for row in rows
        ]
    return told


@hookimpl
async def personal_data_erase(ctx: PluginContext, customer_id: UUID) -> ErasureReceipt:
    """Delete all rows."""
    erased = {}
    for table in TABLES:
        done = await ctx.session.execute(delete(table).where(col(table.customer_id) == customer_id))
        erased[table.__tablename__] = done.rowcount  # type: ignore[attr-defined]  # typed as any result
    return ErasureReceipt(rows=erased)


@hookimpl
async def customer_merged(ctx: PluginContext, survivor_id: UUID, merged_id: UUID) -> None:
    """Let the survivor have all rows."""
    for table in TABLES:
        theirs = col(table.customer_id) == merged_id
        await ctx.session.execute(update(table).where(theirs).values(customer_id=survivor_id))


@hookimpl
async def customer_unmerged(ctx: PluginContext, survivor_id: UUID, merged_id: UUID) -> None:
    """Give back what was recorded for the one who was merged."""
    for table in TABLES:
        theirs = (col(table.customer_id) == survivor_id) & (col(table.profile_id) == merged_id)
        await ctx.session.execute(update(table).where(theirs).values(customer_id=merged_id))
