"""Contact in the API: may we contact this customer, why not, and from when on."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import strawberry
from sqlmodel import col
from strawberry.types import Info

from regulars.contact.memory import DRY_RUN, decision_row
from regulars.contact.models import ContactDecision
from regulars.contact.requests import ContactRequest
from regulars.contact.service import decide_contact
from regulars.fields.context import FieldContext, RequestContext
from regulars.fields.declarations import batch, column, connection, resolver
from regulars.fields.ids import global_id, row_id
from regulars.fields.types import object_type, shown_as, value_type
from regulars.fields.values import Connection

__all__ = ["ContactBlocker", "ContactDecisionNode", "ContactQueries", "ContactRequestInput", "CustomerContacts"]


@value_type(description="One rule that stands in the way of a contact.")
class ContactBlocker:
    """One rule that stands in the way of a contact."""

    rule: str = strawberry.field(description="The rule's id: quiet_hours, no_consent…")
    owner: str = strawberry.field(description="The plugin that the rule is of, or core.")
    kind: str = strawberry.field(description="DENY: waiting does not help. DEFER: it ends.")
    until: datetime | None = strawberry.field(description="When this rule alone lets go; null when nobody knows.")
    wake_on: str | None = strawberry.field(description="The event that may bring the end: case.solved, pause.lifted…")
    reason: str = strawberry.field(description="Why, in a sentence.")
    evidence: list[str] = strawberry.field(description="The ids of what it rests on.")

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "ContactBlocker":
        """Return a blocker as it is kept in the shape of the API."""
        until = None if kept["until"] is None else datetime.fromisoformat(kept["until"])
        return cls(**{**kept, "until": until})


async def _decision_ids(parents: Sequence[Mapping[str, Any]], _context: FieldContext) -> list[str | None]:
    return [None if parent["step"] == DRY_RUN else global_id("ContactDecision", parent["id"]) for parent in parents]


async def _blockers(parents: Sequence[Mapping[str, Any]], _context: FieldContext) -> list[list[ContactBlocker]]:
    return [[ContactBlocker.of(kept) for kept in parent["blockers"]] for parent in parents]


async def _evidence(parents: Sequence[Mapping[str, Any]], _context: FieldContext) -> list[list[str]]:
    return [list(parent["evidence"]) for parent in parents]


@object_type(
    ContactDecision,
    name="ContactDecision",
    permission="contact:read",
    description="Whether a customer may be contacted. A no is an answer, not an error.",
)
class ContactDecisionNode:
    """Whether a customer may be contacted."""

    decision_id: strawberry.ID | None = batch(
        _decision_ids,
        requires=[ContactDecision.id, ContactDecision.step],
        description="The id under which the decision was kept; null for a dry run.",
        cost=0,
    )
    outcome: str = column(
        ContactDecision.outcome,
        description="ALLOW, DENY: waiting does not help, or DEFER: not now.",
        filterable=True,
    )
    rule: str = column(ContactDecision.rule, description="`allowed`, or the rule that decided.", filterable=True)
    until: datetime | None = column(
        ContactDecision.until, description="From when on it may happen, if nothing else changes."
    )
    wake_on: str | None = column(
        ContactDecision.wake_on, description="The event to wait for, when nobody knows the end."
    )
    blockers: list[ContactBlocker] = batch(
        _blockers,
        requires=[ContactDecision.blockers],
        description="Every rule that stands in the way.",
        assumed_size=5,
        cost=0,
    )
    evidence: list[str] = batch(
        _evidence,
        requires=[ContactDecision.evidence],
        description="The ids of what the answer rests on; of a yes, the consent.",
        assumed_size=5,
        cost=0,
    )
    policy_version: str = column(ContactDecision.policy_version, description="The policy by which it was decided.")
    is_time_zone_assumed: bool = column(
        ContactDecision.is_zone_assumed, description="Whether the customer's time zone is not known."
    )
    step: str = column(
        ContactDecision.step, description="What was asked: dry_run, reserve or confirm.", filterable=True
    )
    decided_at: datetime = column(ContactDecision.decided_at, description="When it was decided.", filterable=True)
    channel: str = column(ContactDecision.channel, description="By which channel.", filterable=True)
    contact_class: str = column(
        ContactDecision.contact_class, description="The class as it counts: an offer is marketing.", filterable=True
    )
    purpose: str = column(ContactDecision.purpose, description="What for.", filterable=True)
    topic: str = column(ContactDecision.topic, description="About what.", filterable=True)
    campaign: str | None = column(ContactDecision.campaign, description="The campaign.", filterable=True)


@strawberry.type
class CustomerContacts:
    """What customers gain by decisions on contacts."""

    contact_decisions: Connection[ContactDecisionNode] | None = connection(
        ContactDecision.customer_id,
        permission="contact:read",
        description="What was decided when somebody wanted to contact them, the newest first.",
        order_by=[col(ContactDecision.decided_at).desc()],
    )


@strawberry.input(description="A contact that somebody wants to make.")
class ContactRequestInput:
    """A contact that somebody wants to make."""

    channel: str = strawberry.field(description="email, sms, voice, push…")
    contact_class: str = strawberry.field(
        name="class",
        description="legal, transactional, service, followup, marketing or research; the reviewed template fixes it.",
    )
    purpose: str | None = strawberry.field(
        default=None, description="What for; marketing.own for marketing and research for research unless said."
    )
    topic: str = strawberry.field(default="*", description="About what; `*` when it is about nothing in particular.")
    address: str | None = strawberry.field(
        default=None, description="The address that will be used; it is compared and not kept."
    )
    sender: str = strawberry.field(default="self", description="self, or the partner who sends or receives.")
    campaign: str | None = strawberry.field(default=None, description="The campaign that it belongs to.")
    experiment: str | None = strawberry.field(default=None, description="The experiment that it belongs to.")
    case_id: str | None = strawberry.field(default=None, description="The service case that a followup asks about.")
    profiling: bool = strawberry.field(default=False, description="Whether a score chose the customer.")
    requested_alert: bool = strawberry.field(
        default=False, description="Whether the customer asked to be told about just this topic."
    )
    contains_offer: bool = strawberry.field(default=False, description="Whether it offers something for sale.")
    expires_at: datetime | None = strawberry.field(default=None, description="From when on it is worth nothing.")

    def asked(self) -> ContactRequest:
        """Return the request as services take it."""
        return ContactRequest(**vars(self))


@strawberry.type
class ContactQueries:
    """What can be asked about contacts."""

    @resolver(
        permission="contact:read",
        description="Whether a customer may be contacted, and why not; nothing is written and no slot is taken.",
        cost=5,
    )
    async def contact_decision(
        self,
        info: Info[RequestContext, None],
        customer_id: Annotated[strawberry.ID, strawberry.argument(description="The customer.")],
        request: Annotated[ContactRequestInput, strawberry.argument(description="What would be sent, and how.")],
        at: Annotated[
            datetime | None, strawberry.argument(description="The moment that is asked about; now unless said.")
        ] = None,
    ) -> ContactDecisionNode | None:
        """Return whether a customer may be contacted."""
        context = info.context
        async with context.alone() as session:
            decided = await decide_contact(
                session,
                customer_id=row_id("Customer", customer_id),
                request=request.asked(),
                rules=context.services.contact_rules,
                registry=context.services.consent_registry,
                now=at or context.now,
            )
        row = decision_row(decided, step=DRY_RUN, actor=context.actor, now=context.now)
        return shown_as(ContactDecisionNode, row)
