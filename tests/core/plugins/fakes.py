"""Little plugins for the tests of the host: manifests and hooks made in memory."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlmodel import Field, col

from regulars.plugins.context import PluginContext
from regulars.plugins.contributions import ErasureReceipt, Migrations
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.joining.discovery import FoundPlugin, found_plugin
from regulars.plugins.manifest import PluginManifest
from regulars.tables import Table, new_id

__all__ = ["CUSTOMER", "OTHER_CUSTOMER", "Gold", "GoldCard", "gold", "manifest", "plugin"]

CUSTOMER = UUID("01890000-0000-7000-8000-000000000001")
OTHER_CUSTOMER = UUID("01890000-0000-7000-8000-000000000002")


class GoldCard(Table, table=True):
    __tablename__ = "gold_card"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    customer_id: UUID = Field(foreign_key="core_customer.id", ondelete="CASCADE")
    points: int = 0


class Gold:
    """The hooks of a plugin that keeps cards with points."""

    @hookimpl
    def models(self) -> Sequence[type[Table]]:
        return [GoldCard]

    @hookimpl
    def migrations(self) -> Migrations:
        return Migrations("tests.core.plugins:gold_versions")

    @hookimpl
    async def personal_data_export(self, ctx: PluginContext, customer_id: UUID) -> Mapping[str, Any]:
        cards = await ctx.session.scalars(select(GoldCard).where(col(GoldCard.customer_id) == customer_id))
        return {"cards": [{"points": card.points} for card in cards]}

    @hookimpl
    async def personal_data_erase(self, ctx: PluginContext, customer_id: UUID) -> ErasureReceipt:
        erased = await ctx.session.execute(delete(GoldCard).where(col(GoldCard.customer_id) == customer_id))
        return ErasureReceipt({"gold_card": erased.rowcount})  # type: ignore[attr-defined]  # typed as any result

    @hookimpl
    async def customer_merged(self, ctx: PluginContext, survivor_id: UUID, merged_id: UUID) -> None:
        cards = update(GoldCard).where(col(GoldCard.customer_id) == merged_id)
        await ctx.session.execute(cards.values(customer_id=survivor_id))

    @hookimpl
    async def customer_unmerged(self, ctx: PluginContext, survivor_id: UUID, merged_id: UUID) -> None:
        cards = update(GoldCard).where(col(GoldCard.customer_id) == survivor_id)
        await ctx.session.execute(cards.values(customer_id=merged_id))


def manifest(plugin_id: str, **changes: Any) -> PluginManifest:
    """Return a sound manifest with changes."""
    fields = {
        "version": "1.0.0",
        "title": plugin_id.title(),
        "summary": "Made for a test.",
        "hook_api": ">=1.0,<2",
        "implementation": f"regulars_{plugin_id}.plugin",
        **changes,
    }
    return PluginManifest(id=plugin_id, **fields)


def plugin(plugin_id: str, hooks: object | None = None, **changes: Any) -> FoundPlugin:
    """Return a plugin with these hooks, by default none."""
    return found_plugin(manifest(plugin_id, **changes), hooks=object() if hooks is None else hooks)


def gold(**changes: Any) -> FoundPlugin:
    """Return the plugin that keeps cards with points."""
    return plugin("gold", Gold(), **changes)
