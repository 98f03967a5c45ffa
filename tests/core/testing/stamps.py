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

__all__ = ["READ", "CustomerStamps", "StampCard", "StampCardNode", "Stamps", "stamps", "wishes"]

READ = "stamp:read"


class StampCard(Table, table=True):
    __tablename__ = "stamp_card"

    id: UUID = ColumnField(default_factory=new_id, primary_key=True)
    customer_id: UUID = ColumnField(foreign_key="core_customer.id", ondelete="CASCADE")
    stamps: int = 0


class StampSettings(BaseModel):
    stamps_per_order: int = Field(default=1, description="How many stamps an order earns.")


@object_type(StampCard, name="StampCard", permission=READ, description="A card with stamps.")
class StampCardNode:
    stamps: int = column(StampCard.stamps, description="How many.", filterable=True, sortable=True)


async def wishes(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> list[str]:
    counted = select(col(StampCard.customer_id), func.sum(col(StampCard.stamps))).group_by(col(StampCard.customer_id))
    found = {row[0]: row[1] for row in await context.session.execute(counted)}
    return [f"{found.get(parent['id'], 0)} stamps" for parent in parents]


@strawberry.type
class CustomerStamps:
    stamp_cards: list[StampCardNode] | None = relation(
        StampCard.customer_id, permission=READ, description="Their cards.", assumed_size=3
    )
    stamp_wish: str | None = batch(wishes, requires=[Customer.id], permission=READ, description="What they may wish.")

    @resolver(permission=READ, description="The colour of cards.")
    async def stamp_colour(self) -> str | None:
        return "red"


class Stamps:
    """The hooks of the plugin; a test changes one of them."""

    @hookimpl
    def models(self) -> Sequence[type[Table]]:
        return [StampCard]

    @hookimpl
    def migrations(self) -> Migrations:
        return Migrations("tests.core.testing:stamp_versions")

    @hookimpl
    def graphql(self) -> GraphQLPart:
        return GraphQLPart({"Customer": CustomerStamps})

    @hookimpl
    def traits(self) -> Sequence[Trait]:
        return [
            Trait(
                "stamp.stamps",
                "Stamps",
                "number",
                "observed",
                column=col(StampCard.stamps),
                customer_id=col(StampCard.customer_id),
                permission=READ,
            )
        ]

    @hookimpl
    def events(self) -> Mapping[str, EventHandler]:
        return {"touchpoint.recorded": self._stamp}

    async def _stamp(self, ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
        customers = {UUID(event.subject.partition(":")[2]) for event in events}
        ctx.session.add_all(StampCard(customer_id=customer, stamps=1) for customer in customers)

    @hookimpl
    async def personal_data_export(self, ctx: PluginContext, customer_id: UUID) -> Mapping[str, Any]:
        cards = await ctx.session.scalars(select(StampCard).where(col(StampCard.customer_id) == customer_id))
        return {"cards": [{"stamps": card.stamps} for card in cards]}

    @hookimpl
    async def personal_data_erase(self, ctx: PluginContext, customer_id: UUID) -> ErasureReceipt:
        erased = await ctx.session.execute(delete(StampCard).where(col(StampCard.customer_id) == customer_id))
        return ErasureReceipt({"stamp_card": erased.rowcount})  # type: ignore[attr-defined]  # typed as any result

    @hookimpl
    async def customer_merged(self, ctx: PluginContext, survivor_id: UUID, merged_id: UUID) -> None:
        moved = update(StampCard).where(col(StampCard.customer_id) == merged_id).values(customer_id=survivor_id)
        await ctx.session.execute(moved)


def stamps(hooks: object | None = None, **changes: Any) -> FoundPlugin:
    """Return the plugin, with other hooks or a changed manifest."""
    fields = {
        "id": "stamp",
        "version": "1.0.0",
        "title": "Stamps",
        "summary": "Cards with stamps.",
        "hook_api": ">=1.0,<2",
        "implementation": "regulars_stamp.plugin",
        "graphql_types": ("StampCard",),
        "settings": StampSettings,
        "grants": Grants(events=("touchpoint.recorded",)),
        "permissions": (Permission(READ, "See stamps", ("admin",)),),
        **changes,
    }
    return found_plugin(PluginManifest(**fields), hooks=Stamps() if hooks is None else hooks)
