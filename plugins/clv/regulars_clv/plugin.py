"""The hooks of the clv plugin."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from regulars import (
    ErasureReceipt,
    EventEnvelope,
    EventHandler,
    GraphQLPart,
    Job,
    JobRun,
    Migrations,
    Pages,
    PluginContext,
    Slot,
    SlotPart,
    SlotVisit,
    Table,
    Trait,
    daily,
    hookimpl,
)
from regulars_clv.graphql import ClvMutations, ClvQueries, CustomerClv
from regulars_clv.models import ClvModel, ClvPastScore, ClvScore, ClvStagedScore
from regulars_clv.scores import erase_scores, forget_merged, forget_unwanted, known_of, mark_stale
from regulars_clv.traits import TRAITS

if TYPE_CHECKING:
    import typer


@hookimpl
def models() -> Sequence[type[Table]]:
    """Keep fits and scores."""
    return [ClvModel, ClvPastScore, ClvScore, ClvStagedScore]


@hookimpl
def migrations() -> Migrations:
    """Make the tables."""
    return Migrations("regulars_clv:migrations/versions")


@hookimpl
def graphql() -> GraphQLPart:
    """Add lifetime value to every customer."""
    return GraphQLPart(fields={"Customer": CustomerClv, "Query": ClvQueries, "Mutation": ClvMutations})


@hookimpl
def traits() -> Sequence[Trait]:
    """Offer value and tier to segments and other plugins."""
    return TRAITS


@hookimpl
def jobs() -> Sequence[Job]:
    """Refit the model every night."""
    return [
        Job(
            "clv.fit",
            run=_fit,
            title="Fit the model of customer value and score everybody",
            permission="clv:manage",
            trigger=daily(hour=3),
            timeout=timedelta(hours=2),
        )
    ]


async def _fit(run: JobRun) -> Mapping[str, Any] | None:
    from regulars_clv.service import fit_and_score  # scipy takes a second to load; only this job needs it

    return await fit_and_score(run)


@hookimpl
def events() -> Mapping[str, EventHandler]:
    """Note which scores do not know the newest touchpoint, and drop those of whoever does not want them."""
    return {
        "suppression.added": _suppressions_added,
        "touchpoint.recorded": _touchpoints_recorded,
        "trait.deleted": _traits_deleted,
    }


async def _touchpoints_recorded(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
    # Oldest first, so that what happened last with a customer stays.
    await mark_stale(
        ctx.session, happened={UUID(event.subject.partition(":")[2]): event.occurred_at for event in events}
    )


async def _suppressions_added(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
    if any(event.data.get("kind") == "no_scoring" for event in events):
        await forget_unwanted(ctx.session)


async def _traits_deleted(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
    if any(str(event.data.get("key")).startswith("clv.") for event in events):
        await forget_unwanted(ctx.session)


@hookimpl
def pages() -> Pages:
    """Show customers their score on the preference centre's page."""
    return Pages(templates="regulars_clv:templates", slots=[Slot("customer.scores", _show_score)])


async def _show_score(ctx: PluginContext, visit: SlotVisit) -> SlotPart | None:
    from regulars_clv.customer_part import show_score  # its charts and words are for this page alone

    return await show_score(ctx, visit)


@hookimpl
def cli() -> "typer.Typer":
    """Offer `regulars clv …`."""
    from regulars_clv.cli import app  # servers have no commands

    return app


@hookimpl
async def personal_data_export(ctx: PluginContext, customer_id: UUID) -> Mapping[str, Any]:
    """Tell what the model says of this customer."""
    return await known_of(ctx.session, customer_id=customer_id)


@hookimpl
async def personal_data_erase(ctx: PluginContext, customer_id: UUID) -> ErasureReceipt:
    """Delete this customer's scores."""
    return ErasureReceipt(rows=await erase_scores(ctx.session, customer_id=customer_id))


@hookimpl
async def customer_merged(ctx: PluginContext, survivor_id: UUID, merged_id: UUID) -> None:
    """Let the survivor be scored anew, with both histories."""
    await forget_merged(ctx.session, survivor_id=survivor_id, merged_id=merged_id, now=ctx.clock.now())


@hookimpl
async def customer_unmerged(ctx: PluginContext, survivor_id: UUID) -> None:
    """Let the survivor be scored anew, with their own history; the other has no score until the next fit."""
    await mark_stale(ctx.session, happened={survivor_id: ctx.clock.now()})
