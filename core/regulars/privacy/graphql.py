"""Privacy requests in the API."""

from datetime import datetime
from uuid import UUID

import strawberry
from sqlmodel import col
from strawberry.scalars import JSON
from strawberry.types import Info

from regulars.fields.context import RequestContext
from regulars.fields.declarations import Argument, column, connection, lookup, mutation
from regulars.fields.ids import row_id
from regulars.fields.types import object_type, shown_as, value_type
from regulars.fields.values import Connection, MutationInput, Node, Payload
from regulars.privacy.job import PRIVACY_MANAGE
from regulars.privacy.models import PrivacyRequest
from regulars.privacy.requests import create_privacy_request
from regulars.tables import NOW

__all__ = ["PrivacyMutations", "PrivacyQueries", "PrivacyRequestNode"]

READ = "privacy:read"


@object_type(
    PrivacyRequest,
    name="PrivacyRequest",
    permission=READ,
    description="What somebody asked about their own data, until when it must be done, and the proof that it was.",
)
class PrivacyRequestNode(Node):
    """What somebody asked about their own data."""

    id: strawberry.ID = column(PrivacyRequest.id, description="The global id.", is_global_id=True, filterable=True)
    kind: str = column(
        PrivacyRequest.kind,
        description="export, portability, erasure, restriction or restriction_lift.",
        filterable=True,
    )
    status: str = column(PrivacyRequest.status, description="open or done.", filterable=True)
    customer_id: UUID = column(PrivacyRequest.customer_id, description="Whom it is about, in the database.")
    reason: str = column(PrivacyRequest.reason, description="What was asked; emptied by an erasure.")
    actor: str = column(PrivacyRequest.actor, description="Who took it in.")
    received_at: datetime = column(
        PrivacyRequest.received_at, description="When the person asked.", filterable=True, sortable=True
    )
    due_at: datetime = column(
        PrivacyRequest.due_at, description="Until when the law gives time: a month.", filterable=True, sortable=True
    )
    is_overdue: bool = column(
        (col(PrivacyRequest.status) == "open") & (col(PrivacyRequest.due_at) < NOW),
        description="Whether it is open and should be done.",
        filterable=True,
    )
    completed_at: datetime | None = column(PrivacyRequest.completed_at, description="When it was done.", sortable=True)
    problem: str | None = column(PrivacyRequest.problem, description="What keeps it open; it is tried again.")
    certificate: JSON | None = column(PrivacyRequest.certificate, description="What was done, by table, with counts.")
    has_archive: bool = column(
        col(PrivacyRequest.archive).is_not(None),
        description="Whether the export can be fetched at /privacy/exports/ and the id; for seven days.",
    )


@strawberry.type
class PrivacyQueries:
    """What can be asked about privacy requests."""

    privacy_request: PrivacyRequestNode | None = lookup(
        lambda given: col(PrivacyRequest.id) == row_id("PrivacyRequest", given.get("id") or ""),
        arguments={"id": Argument(strawberry.ID, "The global id, or the id in the database.")},
        permission=READ,
        description="One privacy request; null when there is none.",
    )
    privacy_requests: Connection[PrivacyRequestNode] | None = connection(
        permission=READ, description="Privacy requests, those due first.", order_by=[col(PrivacyRequest.due_at)]
    )


@strawberry.input(description="What somebody asks about their own data.")
class PrivacyRequestCreateInput(MutationInput):
    """What somebody asks about their own data."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    kind: str = strawberry.field(description="export, portability, erasure, restriction or restriction_lift.")
    reason: str = strawberry.field(description="What was asked, and how it is known that they asked.")
    received_at: datetime | None = strawberry.field(default=None, description="When they asked; now unless said.")


@strawberry.input(description="A customer to erase.")
class CustomerEraseInput(MutationInput):
    """A customer to erase."""

    id: strawberry.ID = strawberry.field(description="The customer.")
    reason: str = strawberry.field(description="What was asked, and how it is known that they asked.")


@value_type(description="The privacy request.")
class PrivacyRequestPayload(Payload):
    """The privacy request."""

    privacy_request: PrivacyRequestNode | None = strawberry.field(
        default=None, description="The request; null after an error."
    )


@strawberry.type
class PrivacyMutations:
    """What can be changed about privacy requests."""

    @mutation(permission=PRIVACY_MANAGE, description="Take in what somebody asks about their own data, and begin it.")
    async def privacy_request_create(
        self, info: Info[RequestContext, None], input: PrivacyRequestCreateInput
    ) -> PrivacyRequestPayload | None:
        """Take in a request."""
        context = info.context
        request = await create_privacy_request(
            context.session,
            kind=input.kind,
            customer_id=row_id("Customer", input.customer_id),
            reason=input.reason,
            received_at=input.received_at,
            actor=context.actor,
            now=context.now,
        )
        return PrivacyRequestPayload(privacy_request=shown_as(PrivacyRequestNode, request))

    @mutation(permission=PRIVACY_MANAGE, description="Erase a customer for good, in the database and in all plugins.")
    async def customer_erase(
        self, info: Info[RequestContext, None], input: CustomerEraseInput
    ) -> PrivacyRequestPayload | None:
        """Erase a customer."""
        context = info.context
        request = await create_privacy_request(
            context.session,
            kind="erasure",
            customer_id=row_id("Customer", input.id),
            reason=input.reason,
            actor=context.actor,
            now=context.now,
        )
        return PrivacyRequestPayload(privacy_request=shown_as(PrivacyRequestNode, request))
