"""A plugin that keeps every promise, for tests that break one promise at a time."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import strawberry
from pydantic import BaseModel, Field
from sqlalchemy import delete, func, select, update
from sqlmodel import Field as ColumnField
from sqlmodel import col

from regulars import (
    Customer,
    ErasureReceipt,
    EventEnvelope,
    EventHandler,
    FieldContext,
    Grants,
    GraphQLPart,
    Migrations,
    Permission,
    PluginContext,
    PluginManifest,
    Table,
    Trait,
    batch,
    column,
    hookimpl,
    new_id,
    object_type,
    relation,
    resolver,
)
from regulars.plugins.joining.discovery import FoundPlugin, found_plugin

__all__ = ["READ", "CustomerSeals", "SealCard", "SealCardNode", "Seals", "seals", "wishes"]

READ = "seal:read"


class SealCard(Table, table=True):
    __tablename__ = "seal_card"

    id: UUID = ColumnField(default_factory=new_id, primary_key=True)
    customer_id: UUID = ColumnField(foreign_key="core_customer.id", ondelete="CASCADE")
    seals: int = 0


class SealSettings(BaseModel):
    seals_per_order: int = Field(default=1, description="How many seals an order earns.")


@object_type(SealCard, name="SealCard", permission=READ, description="A card with seals.")
class SealCardNode:
    seals: int = column(SealCard.seals, description="How many.", filterable=True, sortable=True)


async def wishes(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> list[str]:
    counted = select(col(SealCard.customer_id), func.sum(col(SealCard.seals))).group_by(col(SealCard.customer_id))
    found = {row[0]: row[1] for row in await context.session.execute(counted)}
    return [f"{found.get(parent['id'], 0)} seals" for parent in parents]


@strawberry.type
class CustomerSeals:
    seal_cards: list[SealCardNode] | None = relation(
        SealCard.customer_id, permission=READ, description="Their cards.", assumed_size=3
    )
    seal_wish: str | None = batch(wishes, requires=[Customer.id], permission=READ, description="What they may wish.")

    @resolver(permission=READ, description="The colour of cards.")
    async def seal_colour(self) -> str | None:
        return "red"


class Seals:
    """The hooks of the plugin; a test changes one of them."""

    @hookimpl
    def models(self) -> Sequence[type[Table]]:
        return [SealCard]

    @hookimpl
    def migrations(self) -> Migrations:
        return Migrations("tests.core.testing:seal_versions")

    @hookimpl
    def graphql(self) -> GraphQLPart:
        return GraphQLPart({"Customer": CustomerSeals})

    @hookimpl
    def traits(self) -> Sequence[Trait]:
        return [
            Trait(
                "seal.seals",
                "Seals",
                "number",
                "observed",
                column=col(SealCard.seals),
                customer_id=col(SealCard.customer_id),
                permission=READ,
            )
        ]

    @hookimpl
    def events(self) -> Mapping[str, EventHandler]:
        return {"touchpoint.recorded": self._seal}

    async def _seal(self, ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
        customers = {UUID(event.subject.partition(":")[2]) for event in events}
        ctx.session.add_all(SealCard(customer_id=customer, seals=1) for customer in customers)

    @hookimpl
    async def personal_data_export(self, ctx: PluginContext, customer_id: UUID) -> Mapping[str, Any]:
        cards = await ctx.session.scalars(select(SealCard).where(col(SealCard.customer_id) == customer_id))
        return {"cards": [{"seals": card.seals} for card in cards]}

    @hookimpl
    async def personal_data_erase(self, ctx: PluginContext, customer_id: UUID) -> ErasureReceipt:
        erased = await ctx.session.execute(delete(SealCard).where(col(SealCard.customer_id) == customer_id))
        return ErasureReceipt({"seal_card": erased.rowcount})  # type: ignore[attr-defined]  # typed as any result

    @hookimpl
    async def customer_merged(self, ctx: PluginContext, survivor_id: UUID, merged_id: UUID) -> None:
        moved = update(SealCard).where(col(SealCard.customer_id) == merged_id).values(customer_id=survivor_id)
        await ctx.session.execute(moved)


def seals(hooks: object | None = None, **changes: Any) -> FoundPlugin:
    """Return the plugin, with other hooks or a changed manifest."""
    fields = {
        "id": "seal",
        "version": "1.0.0",
        "title": "Seals",
        "summary": "Cards with seals.",
        "hook_api": ">=1.0,<2",
        "implementation": "regulars_seal.plugin",
        "graphql_types": ("SealCard",),
        "settings": SealSettings,
        "grants": Grants(events=("touchpoint.recorded",)),
        "permissions": (Permission(READ, "See seals", ("admin",)),),
        **changes,
    }
    return found_plugin(PluginManifest(**fields), hooks=Seals() if hooks is None else hooks)
