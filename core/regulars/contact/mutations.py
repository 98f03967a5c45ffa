"""The four steps of a contact in the API, for programs that send on their own."""

from datetime import datetime

import strawberry
from sqlalchemy import and_, case
from sqlmodel import col
from strawberry.types import Info

from regulars.contact.graphql import ContactDecisionNode, ContactRequestInput
from regulars.contact.models import ContactTouch
from regulars.contact.reservations import (
    STATE_OF,
    ContactOutcome,
    Stepped,
    confirm_contact,
    release_contact,
    report_contact,
    reserve_contact,
)
from regulars.errors import UnknownValue
from regulars.fields.context import RequestContext
from regulars.fields.declarations import column, connection, mutation
from regulars.fields.ids import row_id
from regulars.fields.types import object_type, shown_as, value_type
from regulars.fields.values import Connection, MutationInput, Node, Payload
from regulars.tables import NOW

__all__ = ["ContactMutations", "ContactReservationNode", "CustomerReservations"]

_STATE = case(
    (and_(col(ContactTouch.state) == "reserved", col(ContactTouch.expires_at) <= NOW), "expired"),
    else_=col(ContactTouch.state),
)


@object_type(
    ContactTouch,
    name="ContactReservation",
    permission="contact:read",
    description="A contact that took a slot, and what became of it.",
)
class ContactReservationNode(Node):
    """A contact that took a slot."""

    id: strawberry.ID = column(ContactTouch.id, description="The global id.", is_global_id=True)
    state: str = column(
        _STATE,
        description="reserved, confirmed, sent, bounced, failed, unknown, released or expired.",
        filterable=True,
    )
    channel: str = column(ContactTouch.channel, description="By which channel.", filterable=True)
    contact_class: str = column(ContactTouch.contact_class, description="The class that is counted.", filterable=True)
    purpose: str = column(ContactTouch.purpose, description="What for.", filterable=True)
    topic: str = column(ContactTouch.topic, description="About what.", filterable=True)
    campaign: str | None = column(ContactTouch.campaign, description="The campaign.", filterable=True)
    at: datetime = column(ContactTouch.at, description="From when on it counts towards caps.", filterable=True)
    expires_at: datetime = column(ContactTouch.expires_at, description="Until when the slot is held.")
    is_over_cap: bool = column(
        ContactTouch.is_over_cap, description="Whether it was handed over without a slot.", filterable=True
    )


@strawberry.type
class CustomerReservations:
    """What customers gain by reservations."""

    contact_reservations: Connection[ContactReservationNode] | None = connection(
        ContactTouch.customer_id,
        permission="contact:read",
        description="Contacts that took a slot, and what became of them, the newest first.",
        order_by=[col(ContactTouch.reserved_at).desc()],
    )


@strawberry.input(description="A contact to reserve.")
class ContactReserveInput(MutationInput):
    """A contact to reserve."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    request: ContactRequestInput = strawberry.field(description="The contact.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="The same key gives the same reservation; with another contact it is refused."
    )


@strawberry.input(description="A reservation.")
class ContactReservationInput(MutationInput):
    """A reservation."""

    reservation_id: strawberry.ID = strawberry.field(description="The reservation.")


@strawberry.input(description="What became of a contact.")
class ContactReportInput(ContactReservationInput):
    """What became of a contact."""

    outcome: str = strawberry.field(description="SENT, BOUNCED, FAILED after the hand-over, or UNKNOWN.")


@value_type(description="What a step of a contact came to.")
class ContactStepPayload(Payload):
    """What a step of a contact came to."""

    decision: ContactDecisionNode | None = strawberry.field(
        default=None, description="The decision that was kept; go on only after ALLOW."
    )
    reservation: ContactReservationNode | None = strawberry.field(
        default=None, description="The reservation; null where there is none."
    )


@value_type(description="A reservation after a step.")
class ContactReservationPayload(Payload):
    """A reservation after a step."""

    reservation: ContactReservationNode | None = strawberry.field(
        default=None, description="The reservation; null after an error."
    )


def _payload(stepped: Stepped) -> ContactStepPayload:
    touch = stepped.reservation
    return ContactStepPayload(
        decision=shown_as(ContactDecisionNode, stepped.decision),
        reservation=None if touch is None else shown_as(ContactReservationNode, touch),
    )


def _outcome(given: str) -> ContactOutcome:
    for outcome in STATE_OF:
        if outcome == given:
            return outcome
    raise UnknownValue("outcome of a contact", given, STATE_OF, path=("outcome",))


@strawberry.type
class ContactMutations:
    """The four steps of a contact."""

    @mutation(permission="contact:send", description="Decide, and hold a slot for ten minutes after ALLOW.")
    async def contact_reserve(
        self, info: Info[RequestContext, None], input: ContactReserveInput
    ) -> ContactStepPayload | None:
        """Decide, and hold a slot."""
        context = info.context
        stepped = await reserve_contact(
            context.session,
            customer_id=row_id("Customer", input.customer_id),
            request=input.request.asked(),
            rules=context.services.contact_rules,
            registry=context.services.consent_registry,
            actor=context.actor,
            now=context.now,
            idempotency_key=input.idempotency_key,
        )
        return _payload(stepped)

    @mutation(
        permission="contact:send",
        description="Decide again right before the hand-over: the send starts with ALLOW, all else releases the slot.",
    )
    async def contact_confirm(
        self, info: Info[RequestContext, None], input: ContactReservationInput
    ) -> ContactStepPayload | None:
        """Decide again before the hand-over."""
        context = info.context
        stepped = await confirm_contact(
            context.session,
            reservation_id=row_id("ContactReservation", input.reservation_id),
            rules=context.services.contact_rules,
            registry=context.services.consent_registry,
            actor=context.actor,
            now=context.now,
        )
        return _payload(stepped)

    @mutation(permission="contact:send", description="Tell what became of a contact that was handed over.")
    async def contact_report(
        self, info: Info[RequestContext, None], input: ContactReportInput
    ) -> ContactReservationPayload | None:
        """Tell what became of a contact."""
        context = info.context
        touch = await report_contact(
            context.session,
            reservation_id=row_id("ContactReservation", input.reservation_id),
            outcome=_outcome(input.outcome),
            actor=context.actor,
            now=context.now,
        )
        return ContactReservationPayload(reservation=shown_as(ContactReservationNode, touch))

    @mutation(permission="contact:send", description="Give a slot back that is not needed after all.")
    async def contact_release(
        self, info: Info[RequestContext, None], input: ContactReservationInput
    ) -> ContactReservationPayload | None:
        """Give a slot back."""
        context = info.context
        touch = await release_contact(
            context.session,
            reservation_id=row_id("ContactReservation", input.reservation_id),
            actor=context.actor,
            now=context.now,
        )
        return ContactReservationPayload(reservation=shown_as(ContactReservationNode, touch))
