"""Touchpoints in the API."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry
from sqlmodel import col
from strawberry.scalars import JSON
from strawberry.types import Info

from regulars.customers.graphql import CustomerNode
from regulars.fields.context import RequestContext
from regulars.fields.declarations import column, connection, mutation, relation
from regulars.fields.ids import row_id
from regulars.fields.types import object_type, shown_as, value_type
from regulars.fields.values import Connection, Money, MutationInput, Node, Payload
from regulars.touchpoints.drafts import TouchpointDraft
from regulars.touchpoints.models import Touchpoint
from regulars.touchpoints.service import record_touchpoint

__all__ = ["CustomerTouchpoints", "TouchpointMutations", "TouchpointNode", "TouchpointQueries"]


@object_type(
    Touchpoint,
    name="Touchpoint",
    permission="touchpoints:read",
    description="Something that happened between a customer and the company; it never changes afterwards.",
)
class TouchpointNode(Node):
    """Something that happened between a customer and the company."""

    id: strawberry.ID = column(Touchpoint.id, description="The global id.", is_global_id=True, filterable=True)
    database_id: UUID = column(Touchpoint.id, description="The id in the database.")
    type: str = column(
        Touchpoint.type, description="What kind of thing happened: order, refund, visit…", filterable=True
    )
    channel: str | None = column(Touchpoint.channel, description="Where it happened.", filterable=True)
    occurred_at: datetime = column(
        Touchpoint.occurred_at, description="When it happened, as the source says.", filterable=True, sortable=True
    )
    received_at: datetime = column(
        Touchpoint.received_at, description="When we learned of it.", filterable=True, sortable=True
    )
    amount: Money | None = column(
        Touchpoint.amount,
        currency=Touchpoint.currency,
        description="What was paid; negative for a refund.",
        filterable=True,
        sortable=True,
    )
    cost: Money | None = column(
        Touchpoint.cost, currency=Touchpoint.currency, description="What it cost us to serve.", filterable=True
    )
    source: str = column(Touchpoint.source, description="The system that told of it.", filterable=True)
    external_id: str | None = column(Touchpoint.external_id, description="Its id in that system.", filterable=True)
    payload: JSON | None = column(Touchpoint.payload, description="What its type tells besides.")
    customer: CustomerNode | None = relation(
        Touchpoint.customer_id, description="Whose timeline it stands in.", permission="customers:read"
    )


@strawberry.type
class CustomerTouchpoints:
    """What customers gain by touchpoints."""

    touchpoints: Connection[TouchpointNode] | None = connection(
        Touchpoint.customer_id,
        permission="touchpoints:read",
        description="What happened with this customer, the newest first unless said otherwise.",
        order_by=[col(Touchpoint.occurred_at).desc()],
    )


@strawberry.type
class TouchpointQueries:
    """What can be asked about touchpoints."""

    touchpoints: Connection[TouchpointNode] | None = connection(
        permission="touchpoints:read",
        description="Touchpoints of all customers, the newest first unless said otherwise.",
        order_by=[col(Touchpoint.occurred_at).desc()],
    )


@strawberry.input(description="Something that happened with a customer.")
class TouchpointRecordInput(MutationInput):
    """Something that happened with a customer."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    type: str = strawberry.field(description="What kind of thing happened: order, refund, visit…")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    source: str = strawberry.field(default="api", description="The system that tells of it.")
    external_id: str | None = strawberry.field(
        default=None, description="Its id in that system; with it, telling again does no harm."
    )
    channel: str | None = strawberry.field(default=None, description="Where it happened.")
    amount: Decimal | None = strawberry.field(default=None, description="What was paid; negative for a refund.")
    currency: str | None = strawberry.field(default=None, description="ISO 4217 code; needed beside an amount.")
    cost: Decimal | None = strawberry.field(default=None, description="What it cost us to serve, in the same currency.")
    payload: JSON | None = strawberry.field(default=None, description="What its type tells besides.")

    def draft(self) -> TouchpointDraft:
        """Return the touchpoint as the service takes it."""
        payload: Any = self.payload
        return TouchpointDraft(
            customer_id=row_id("Customer", self.customer_id),
            type=self.type,
            occurred_at=self.occurred_at,
            source=self.source,
            channel=self.channel,
            amount=self.amount,
            currency=self.currency,
            cost=self.cost,
            external_id=self.external_id,
            payload=payload,
        )


@value_type(description="The touchpoint that stands in the timeline now.")
class TouchpointRecordPayload(Payload):
    """The touchpoint that stands in the timeline now."""

    touchpoint: TouchpointNode | None = strawberry.field(
        default=None, description="The touchpoint; null after an error."
    )
    is_new: bool | None = strawberry.field(default=None, description="False where it already stood there.")


@strawberry.type
class TouchpointMutations:
    """What can be changed about touchpoints."""

    @mutation(permission="touchpoints:write", description="Record something that happened with a customer.")
    async def touchpoint_record(
        self, info: Info[RequestContext, None], input: TouchpointRecordInput
    ) -> TouchpointRecordPayload | None:
        """Record a touchpoint."""
        context = info.context
        types = context.services.touchpoint_types
        recorded = await record_touchpoint(
            context.session, draft=input.draft(), types=types, actor=context.actor, now=context.now
        )
        node = shown_as(TouchpointNode, recorded.touchpoint)
        return TouchpointRecordPayload(touchpoint=node, is_new=recorded.is_new)
