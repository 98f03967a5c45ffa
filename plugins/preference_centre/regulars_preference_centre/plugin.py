"""The hooks of the preference centre."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from regulars import (
    ContactRule,
    ErasureReceipt,
    EventHandler,
    GraphQLPart,
    Job,
    MessageTemplate,
    Migrations,
    Pages,
    PluginContext,
    Table,
    hookimpl,
)
from regulars_preference_centre.announcements import ANNOUNCE_JOB, tell_of_announcements
from regulars_preference_centre.double_opt_in import CONFIRM_TEMPLATE, ask_to_confirm
from regulars_preference_centre.graphql import CustomerPreferencesField, PreferenceQueries
from regulars_preference_centre.mails import TEMPLATES
from regulars_preference_centre.models import OWNED, Announcement, Question, Stream
from regulars_preference_centre.mutations import PreferenceMutations
from regulars_preference_centre.own_rows import erase, known_of, move_to_survivor, part_again
from regulars_preference_centre.page.routes import PAGES
from regulars_preference_centre.rules import PREFERENCE_RULES


@hookimpl
def models() -> Sequence[type[Table]]:
    """Keep what can be sent, and what each customer wants."""
    return [*OWNED, Announcement, Question, Stream]


@hookimpl
def migrations() -> Migrations:
    """Make the tables."""
    return Migrations("regulars_preference_centre:migrations/versions")


@hookimpl
def graphql() -> GraphQLPart:
    """Let staff see and change what customers choose, and announce what they wait for."""
    return GraphQLPart(
        {"Customer": CustomerPreferencesField, "Query": PreferenceQueries, "Mutation": PreferenceMutations}
    )


@hookimpl
def jobs() -> Sequence[Job]:
    """Tell those who wait of what arrived, where they are many."""
    return [
        Job(
            ANNOUNCE_JOB,
            run=tell_of_announcements,
            title="Tell customers of what they wait for",
            permission="preference_centre:manage",
            timeout=timedelta(hours=2),
            slots=1,
        )
    ]


@hookimpl
def events() -> Mapping[str, EventHandler]:
    """Ask customers to confirm what was granted for them."""
    return {"consent.granted": ask_to_confirm}


@hookimpl
def contact_rules() -> Sequence[ContactRule]:
    """Stand against what the customer does not want, or not now, and what the law does not allow."""
    return PREFERENCE_RULES


@hookimpl
def message_templates() -> Sequence[MessageTemplate]:
    """Send the link to the page, what to confirm, and the news that somebody waited for."""
    return (*TEMPLATES, CONFIRM_TEMPLATE)


@hookimpl
def pages() -> Pages:
    """Let customers choose at `/preferences`."""
    return PAGES


@hookimpl
async def personal_data_export(ctx: PluginContext, customer_id: UUID) -> Mapping[str, Any]:
    """Tell what the customer chose and told here."""
    return await known_of(ctx.session, customer_id=customer_id)


@hookimpl
async def personal_data_erase(ctx: PluginContext, customer_id: UUID) -> ErasureReceipt:
    """Delete what the customer chose and told here."""
    return ErasureReceipt(rows=await erase(ctx.session, customer_id=customer_id))


@hookimpl
async def customer_merged(ctx: PluginContext, survivor_id: UUID, merged_id: UUID) -> None:
    """Let the survivor have the choices of both; where they differ, the narrower counts."""
    await move_to_survivor(ctx.session, survivor_id=survivor_id, merged_id=merged_id)


@hookimpl
async def customer_unmerged(ctx: PluginContext, survivor_id: UUID, merged_id: UUID) -> None:
    """Give each of the two their own choices back."""
    await part_again(ctx.session, survivor_id=survivor_id, merged_id=merged_id)
