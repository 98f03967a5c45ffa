"""Likely time zones in the API: where a customer may be whose own zone nobody knows."""

from datetime import datetime

import strawberry
from sqlmodel import col
from strawberry.types import Info

from regulars.contact.likely_zones import note_time_zones
from regulars.contact.models import ZoneCandidate
from regulars.customers.graphql import CustomerNode
from regulars.fields.context import RequestContext
from regulars.fields.declarations import column, mutation, relation
from regulars.fields.ids import row_id
from regulars.fields.types import object_type, shown_as, value_type
from regulars.fields.values import MutationInput, Payload

__all__ = ["CustomerZoneFields", "ZoneMutations"]


@object_type(
    ZoneCandidate,
    name="TimeZoneCandidate",
    permission="customers:read",
    description="A time zone in which a customer may be whose own is not known.",
)
class TimeZoneCandidateNode:
    """A time zone in which a customer may be."""

    time_zone: str = column(ZoneCandidate.time_zone, description="IANA time zone.", filterable=True)
    provenance: str = column(ZoneCandidate.provenance, description="observed, inferred or imported.", filterable=True)
    source: str = column(ZoneCandidate.source, description="Who says so.", filterable=True)
    noted_at: datetime | None = column(ZoneCandidate.noted_at, description="When that was noted.", filterable=True)


@strawberry.type
class CustomerZoneFields:
    """What customers gain by likely time zones."""

    time_zone_candidates: list[TimeZoneCandidateNode] | None = relation(
        ZoneCandidate.customer_id,
        permission="customers:read",
        description="Where they may be while their own time zone is not known: what is late in one of them is late.",
        order_by=[col(ZoneCandidate.time_zone)],
        assumed_size=3,
    )


@strawberry.input(description="Where a customer may be.")
class CustomerTimeZonesNoteInput(MutationInput):
    """Where a customer may be."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    time_zones: list[str] = strawberry.field(
        description="IANA time zones, up to 20; they replace what this source said."
    )
    provenance: str = strawberry.field(description="observed, inferred or imported; what they declare is `timeZone`.")
    source: str = strawberry.field(description="Who says so: a system, a model with its version.")


@value_type(description="The customer, with the zones as they are now.")
class CustomerTimeZonesPayload(Payload):
    """The customer, with the zones as they are now."""

    customer: CustomerNode | None = strawberry.field(default=None, description="The customer; null after an error.")


@strawberry.type
class ZoneMutations:
    """What can be noted about likely time zones."""

    @mutation(permission="customers:write", description="Note in which time zones a customer may be.")
    async def customer_time_zones_note(
        self, info: Info[RequestContext, None], input: CustomerTimeZonesNoteInput
    ) -> CustomerTimeZonesPayload | None:
        """Note in which time zones a customer may be."""
        context = info.context
        customer = await note_time_zones(
            context.session,
            customer_id=row_id("Customer", input.customer_id),
            time_zones=input.time_zones,
            provenance=input.provenance,
            source=input.source,
            actor=context.actor,
            now=context.now,
        )
        return CustomerTimeZonesPayload(customer=shown_as(CustomerNode, customer))
