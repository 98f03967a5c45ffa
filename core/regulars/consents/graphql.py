"""Consents in the API: what stands, how it came about, and what stood at another time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import strawberry
from sqlalchemy import and_, case, select
from sqlmodel import col
from strawberry.scalars import JSON
from strawberry.types import Info

from regulars.audit.models import LedgerWords
from regulars.consents.changes import ConsentChange, allowed_transitions
from regulars.consents.lattice import ConsentAnswer as LedgerAnswer
from regulars.consents.models import ConsentEvent, ConsentState
from regulars.consents.service import consent_at, record_consent
from regulars.contact.policies import consent_policy_at
from regulars.fields.context import FieldContext, RequestContext
from regulars.fields.declarations import batch, column, connection, mutation, relation, resolver
from regulars.fields.ids import global_id, row_id
from regulars.fields.types import object_type, shown_as, value_type
from regulars.fields.values import Connection, MutationInput, Node, Payload
from regulars.tables import NOW

__all__ = [
    "ConsentEventNode",
    "ConsentGrantInput",
    "ConsentMutations",
    "ConsentNode",
    "ConsentQueries",
    "ConsentScopeInput",
    "CustomerConsents",
]


_OWN_WORDS = col(LedgerWords.entry_id) == col(ConsentEvent.id)
_REASON = select(col(LedgerWords.reason)).where(_OWN_WORDS).correlate(ConsentEvent).scalar_subquery()
_EVIDENCE = select(col(LedgerWords.evidence)).where(_OWN_WORDS).correlate(ConsentEvent).scalar_subquery()


@object_type(
    ConsentEvent,
    name="ConsentEvent",
    permission="consents:read",
    description="One grant or withdrawal in the ledger; it is never changed.",
)
class ConsentEventNode(Node):
    """One grant or withdrawal in the ledger."""

    id: strawberry.ID = column(ConsentEvent.id, description="The global id.", is_global_id=True, filterable=True)
    action: str = column(ConsentEvent.action, description="grant or withdraw.", filterable=True)
    purpose: str = column(ConsentEvent.purpose, description="What for; `*` means all.", filterable=True)
    channel: str = column(ConsentEvent.channel, description="By which channel; `*` means all.", filterable=True)
    topic: str = column(ConsentEvent.topic, description="About what; `*` means all.", filterable=True)
    at: datetime = column(ConsentEvent.at, description="From when it holds.", filterable=True, sortable=True)
    recorded_at: datetime = column(
        ConsentEvent.recorded_at, description="When we learned of it.", filterable=True, sortable=True
    )
    expires_at: datetime | None = column(ConsentEvent.expires_at, description="Until when a grant holds.")
    actor: str = column(ConsentEvent.actor, description="Who wrote it down.")
    reason: str | None = column(_REASON, description="Why, in their words; null once it was erased.")
    origin: str = column(ConsentEvent.origin, description="Whose act it was: customer, staff or import.")
    basis: str = column(ConsentEvent.basis, description="express, express_written, soft_opt_in or implied.")
    recipient: str | None = column(ConsentEvent.recipient, description="The one partner it is about.")
    needs_confirmation: bool = column(
        ConsentEvent.needs_confirmation, description="Whether it counts only once the customer confirms it."
    )
    confirmed_at: datetime | None = column(ConsentEvent.confirmed_at, description="When the customer confirmed it.")
    is_proven: bool = column(ConsentEvent.is_proven, description="Whether there was something that proves it.")
    evidence: JSON | None = column(_EVIDENCE, description="What proves it; null once it was erased.")
    notice_version: str | None = column(ConsentEvent.notice_version, description="Which text was shown.")
    language: str | None = column(ConsentEvent.language, description="In which language it was shown.")


_STATUS = case(
    (and_(col(ConsentState.status) == "granted", col(ConsentState.expires_at) <= NOW), "expired"),
    else_=col(ConsentState.status),
)


async def _transitions(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> list[list[str]]:
    return [list(allowed_transitions(parent["status"], actor=context.actor)) for parent in parents]


@object_type(
    ConsentState,
    name="Consent",
    permission="consents:read",
    description="What stands in one scope of the ledger today.",
)
class ConsentNode:
    """What stands in one scope of the ledger today."""

    purpose: str = column(ConsentState.purpose, description="What for; `*` means all.", filterable=True)
    channel: str = column(ConsentState.channel, description="By which channel; `*` means all.", filterable=True)
    topic: str = column(ConsentState.topic, description="About what; `*` means all.", filterable=True)
    status: str | None = column(
        _STATUS, description="granted, withdrawn, pending, expired, or none: nothing that counts.", filterable=True
    )
    since: datetime = column(ConsentState.since, description="Since when.", filterable=True)
    expires_at: datetime | None = column(ConsentState.expires_at, description="Until when a grant holds.")
    reason: str = column(ConsentState.reason, description="Why it is so, in a sentence.")
    event: ConsentEventNode | None = relation(ConsentState.event_id, description="The entry that decided it.")
    allowed_transitions: list[str] = batch(
        _transitions,
        requires=[ConsentState.status],
        description="What you may do next in this scope: grant, withdraw.",
        assumed_size=2,
        cost=0,
    )


@strawberry.type
class CustomerConsents:
    """What customers gain by consents."""

    consents: list[ConsentNode] | None = relation(
        ConsentState.customer_id,
        permission="consents:read",
        description="What stands today, by purpose, channel and topic.",
        order_by=[ConsentState.purpose, ConsentState.channel, ConsentState.topic],
        assumed_size=10,
    )
    consent_events: Connection[ConsentEventNode] | None = connection(
        ConsentEvent.customer_id,
        permission="consents:read",
        description="The ledger: every grant and withdrawal, the newest first.",
        order_by=[col(ConsentEvent.recorded_at).desc()],
    )


@value_type(description="Whether a customer consents, as of two moments, and why.")
class ConsentAnswer:
    """Whether a customer consents, and why."""

    status: str = strawberry.field(description="granted, withdrawn, or none: nothing that counts.")
    rule: str = strawberry.field(description="The rule that decided: allowed, withdrawn, no_consent…")
    reason: str = strawberry.field(description="Why, in a sentence.")
    event_id: strawberry.ID | None = strawberry.field(description="The entry of the ledger that decides.")
    at: datetime | None = strawberry.field(description="From when that entry holds.")
    recorded_at: datetime | None = strawberry.field(description="When we learned of it.")

    @classmethod
    def of(cls, answer: LedgerAnswer) -> "ConsentAnswer":
        """Return an answer of the ledger as the API shows it."""
        entry = answer.entry
        return cls(
            status=answer.status,
            rule=answer.rule,
            reason=answer.reason,
            event_id=None if entry is None else strawberry.ID(global_id("ConsentEvent", entry.id)),
            at=None if entry is None else entry.at,
            recorded_at=None if entry is None else entry.recorded_at,
        )


@strawberry.type
class ConsentQueries:
    """What can be asked about consents."""

    @resolver(
        permission="consents:read",
        description="Whether a customer consents: as it stood at `validAt`, as far as we knew at `knownAt`.",
        cost=5,
    )
    async def consent_at(
        self,
        info: Info[RequestContext, None],
        customer_id: Annotated[strawberry.ID, strawberry.argument(description="The customer.")],
        purpose: Annotated[str, strawberry.argument(description="What for, such as `marketing`.")],
        channel: Annotated[str, strawberry.argument(description="By which channel, such as `email`.")],
        topic: Annotated[str, strawberry.argument(description="About what; `*` for nothing in particular.")] = "*",
        valid_at: Annotated[
            datetime | None, strawberry.argument(description="The moment that is asked about; now unless said.")
        ] = None,
        known_at: Annotated[
            datetime | None,
            strawberry.argument(description="What was recorded later is left out; nothing is unless said."),
        ] = None,
    ) -> ConsentAnswer | None:
        """Return whether a customer consents."""
        context = info.context
        async with context.alone() as session:
            answer = await consent_at(
                session,
                customer_id=context.policy.own(row_id("Customer", customer_id)),
                purpose=purpose,
                channel=channel,
                topic=topic,
                valid_at=valid_at or context.now,
                known_at=known_at or context.now,
                registry=context.services.consent_registry,
                policy=await consent_policy_at(session, moment=known_at or context.now),
            )
        return ConsentAnswer.of(answer)


@strawberry.input(description="A scope of consent, and why it changes.")
class ConsentScopeInput(MutationInput):
    """A scope of consent, and why it changes."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    purpose: str = strawberry.field(description="What for: marketing.own, research…; `*` means all.")
    channel: str = strawberry.field(description="By which channel: email, sms…; `*` means all.")
    topic: str = strawberry.field(default="*", description="About what; `*` means all.")
    reason: str = strawberry.field(description="Why, in words that can be shown to the customer.")
    at: datetime | None = strawberry.field(default=None, description="From when it holds; now unless said otherwise.")

    def withdrawal(self) -> ConsentChange:
        """Return a withdrawal as the service takes it."""
        return ConsentChange(
            customer_id=row_id("Customer", self.customer_id),
            action="withdraw",
            purpose=self.purpose,
            channel=self.channel,
            topic=self.topic,
            reason=self.reason,
            at=self.at,
        )


@strawberry.input(description="A grant, with what proves it.")
class ConsentGrantInput(ConsentScopeInput):
    """A grant, with what proves it."""

    notice_version: str | None = strawberry.field(default=None, description="Which text was shown. Required.")
    language: str | None = strawberry.field(default=None, description="In which language it was shown. Required.")
    expires_at: datetime | None = strawberry.field(default=None, description="Until when it holds.")
    recipient: str | None = strawberry.field(default=None, description="The partner; required for sharing.")
    evidence: JSON | None = strawberry.field(default=None, description="What proves it; no personal data.")
    needs_confirmation: bool = strawberry.field(
        default=False, description="Whether it counts only once `consentConfirm` has told of a double opt-in."
    )

    def grant(self) -> ConsentChange:
        """Return a grant as the service takes it."""
        evidence: Any = self.evidence
        return ConsentChange(
            customer_id=row_id("Customer", self.customer_id),
            action="grant",
            purpose=self.purpose,
            channel=self.channel,
            topic=self.topic,
            reason=self.reason,
            at=self.at,
            expires_at=self.expires_at,
            recipient=self.recipient,
            evidence=evidence,
            needs_confirmation=self.needs_confirmation,
            notice_version=self.notice_version,
            language=self.language,
        )


@value_type(description="The new entry of the ledger.")
class ConsentPayload(Payload):
    """The new entry of the ledger."""

    consent: ConsentEventNode | None = strawberry.field(default=None, description="The entry; null after an error.")


async def _record(context: RequestContext, change: ConsentChange) -> ConsentPayload:
    registry = context.services.consent_registry
    row = await record_consent(context.session, change=change, registry=registry, actor=context.actor, now=context.now)
    return ConsentPayload(consent=shown_as(ConsentEventNode, row))


@strawberry.type
class ConsentMutations:
    """What can be changed about consents."""

    @mutation(permission="consents:write", description="Record that a customer allows something.")
    async def consent_grant(self, info: Info[RequestContext, None], input: ConsentGrantInput) -> ConsentPayload | None:
        """Record a grant."""
        return await _record(info.context, input.grant())

    @mutation(permission="consents:write", description="Record that a customer takes something back.")
    async def consent_withdraw(
        self, info: Info[RequestContext, None], input: ConsentScopeInput
    ) -> ConsentPayload | None:
        """Record a withdrawal."""
        return await _record(info.context, input.withdrawal())
