"""Audiences and replays in the API: what comes out for many customers, and what came out once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import strawberry
from sqlmodel import col, select
from strawberry.types import Info

from regulars.contact.audience_job import AUDIENCE_JOB, CONTACT_SEND, ask_about_audience
from regulars.contact.graphql import ContactDecisionNode, ContactRequestInput
from regulars.contact.models import ContactAudience, ContactVerdict
from regulars.contact.replay import replay_decision
from regulars.fields.context import FieldContext, RequestContext
from regulars.fields.declarations import Argument, batch, column, connection, lookup, mutation, resolver
from regulars.fields.ids import row_id
from regulars.fields.types import object_type, shown_as, value_type
from regulars.fields.values import Connection, MutationInput, Payload
from regulars.jobs.graphql import JobNode
from regulars.jobs.service import enqueue_job

__all__ = ["AudienceMutations", "AudienceQueries"]


@object_type(
    ContactVerdict,
    name="ContactVerdict",
    permission="contact:read",
    description="What came out for one customer of an audience.",
)
class ContactVerdictNode:
    """What came out for one customer of an audience."""

    audience_id: strawberry.ID = column(
        ContactVerdict.audience_id, description="The audience, as the job's result names it.", filterable=True
    )
    customer_id: strawberry.ID = column(
        ContactVerdict.customer_id, description="The customer's id in the database.", filterable=True
    )
    outcome: str = column(ContactVerdict.outcome, description="ALLOW, DENY or DEFER.", filterable=True)
    rule: str = column(ContactVerdict.rule, description="`allowed`, or the rule that decided.", filterable=True)
    until: datetime | None = column(ContactVerdict.until, description="From when on it may happen.", filterable=True)


@value_type(description="For how many customers the same came out.")
class ContactAudienceCount:
    """For how many customers the same came out."""

    outcome: str = strawberry.field(description="ALLOW, DENY or DEFER.")
    rule: str = strawberry.field(description="`allowed`, or the rule that decided.")
    customers: int = strawberry.field(description="How many customers.")


async def _counts(
    parents: Sequence[Mapping[str, Any]], _context: FieldContext
) -> list[list[ContactAudienceCount] | None]:
    return [None if parent["counts"] is None else _most_first(parent["counts"]) for parent in parents]


def _most_first(counts: Mapping[str, int]) -> list[ContactAudienceCount]:
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return [_count(came_out, customers) for came_out, customers in ordered]


def _count(came_out: str, customers: int) -> ContactAudienceCount:
    outcome, _, rule = came_out.partition(" ")
    return ContactAudienceCount(outcome=outcome, rule=rule, customers=customers)


@object_type(
    ContactAudience,
    name="ContactAudience",
    permission="contact:read",
    description="A question about many customers at once; `contactVerdicts` has what came out for each.",
)
class ContactAudienceNode:
    """A question about many customers at once."""

    id: strawberry.ID = column(ContactAudience.id, description="The audience, as its verdicts name it.")
    asked_at: datetime = column(ContactAudience.asked_at, description="When it was asked, and decided for.")
    policy_version: str = column(ContactAudience.policy_version, description="The policy by which it is decided.")
    counts: list[ContactAudienceCount] | None = batch(
        _counts,
        requires=[ContactAudience.counts],
        description="For how many customers what came out, the most first; null until the job is done.",
        assumed_size=10,
        cost=0,
    )


@value_type(description="A decision that was kept, and the same made again from what was kept with it.")
class ContactReplay:
    """A decision that was kept, and made again."""

    kept: ContactDecisionNode = strawberry.field(description="The decision as it was kept.")
    is_same: bool = strawberry.field(description="Whether outcome, rule and end came out the same.")
    outcome: str = strawberry.field(description="The outcome as it comes out now.")
    rule: str = strawberry.field(description="The rule that decides now.")
    until: datetime | None = strawberry.field(description="The end as it comes out now.")
    missing_rules: list[str] = strawberry.field(description="Rules that were asked then and are there no more.")
    is_same_tzdata: bool = strawberry.field(description="Whether this server reads the time zones of that time.")


@strawberry.type
class AudienceQueries:
    """What can be asked about many decisions."""

    contact_audience: ContactAudienceNode | None = lookup(
        lambda given: col(ContactAudience.id) == row_id("ContactAudience", given.get("id") or ""),
        arguments={"id": Argument(strawberry.ID, "The audience, as the mutation that asked returned it.")},
        permission="contact:read",
        description="A question about many customers, and what came out of it.",
    )
    contact_verdicts: Connection[ContactVerdictNode] | None = connection(
        permission="contact:read",
        description="What came out for audiences; filter by `audienceId`, or by `customerId` for one customer in all.",
        order_by=[col(ContactVerdict.audience_id), col(ContactVerdict.customer_id)],
        # It holds for each of them, and lets the key find one customer in every audience without reading the audiences.
        where=col(ContactVerdict.audience_id).in_(select(col(ContactAudience.id))),
    )

    @resolver(
        permission="contact:read",
        description="A kept decision made again, from what was known and under the policy of that time.",
        cost=5,
    )
    async def contact_decision_replay(
        self,
        info: Info[RequestContext, None],
        decision_id: Annotated[strawberry.ID, strawberry.argument(description="The kept decision.")],
    ) -> ContactReplay | None:
        """Return a kept decision made again."""
        context = info.context
        async with context.alone() as session:
            replay = await replay_decision(
                session, decision_id=row_id("ContactDecision", decision_id), rules=context.services.contact_rules
            )
        told = replay.decision or replay.kept
        return ContactReplay(
            kept=shown_as(ContactDecisionNode, replay.kept),
            is_same=replay.is_same,
            outcome=told.outcome,
            rule=told.rule,
            until=told.until,
            missing_rules=list(replay.missing_rules),
            is_same_tzdata=replay.is_same_tzdata,
        )


@value_type(description="What was started.")
class ContactAudiencePayload(Payload):
    """What was started."""

    job: JobNode | None = strawberry.field(default=None, description="The job that decides; null after an error.")
    audience: ContactAudienceNode | None = strawberry.field(
        default=None, description="The question; its counts are there once the job is done."
    )


@strawberry.input(description="A contact with many customers at once.")
class ContactAudienceDecideInput(MutationInput):
    """A contact with many customers at once."""

    request: ContactRequestInput = strawberry.field(description="The contact.")
    customer_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Up to 10,000 customers; all of them unless said."
    )
    segment_id: strawberry.ID | None = strawberry.field(
        default=None, description="All customers in this segment, by its filter as it is now."
    )


@strawberry.type
class AudienceMutations:
    """What can be started for many customers."""

    @mutation(
        permission=CONTACT_SEND,
        description="Decide for many customers in the background; `contactVerdicts` has what comes out for each.",
    )
    async def contact_audience_decide(
        self, info: Info[RequestContext, None], input: ContactAudienceDecideInput
    ) -> ContactAudiencePayload | None:
        """Decide for many customers in the background."""
        context, ids = info.context, input.customer_ids
        if input.segment_id is not None:
            context.require("segments:read")
        audience = await ask_about_audience(
            context.session,
            request=input.request.asked(),
            customer_ids=None if ids is None else [row_id("Customer", id) for id in ids],
            segment_id=None if input.segment_id is None else row_id("Segment", input.segment_id),
            registry=context.services.consent_registry,
            actor=context.actor,
            now=context.now,
        )
        job = await enqueue_job(
            context.session,
            kind=AUDIENCE_JOB,
            key=str(audience.id),
            input={"audience": str(audience.id)},
            actor=context.actor.label,
            now=context.now,
        )
        return ContactAudiencePayload(job=shown_as(JobNode, job), audience=shown_as(ContactAudienceNode, audience))
