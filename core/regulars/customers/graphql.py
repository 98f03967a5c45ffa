"""Customers in the API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col
from strawberry.types import Info

from regulars.customers.finding import counts_today_as, find_customers_by_refs, is_named
from regulars.customers.identities import ExternalRef, Identity, read_identity
from regulars.customers.models import Customer, CustomerIdentity
from regulars.customers.search import search_predicate
from regulars.errors import InvalidInput
from regulars.fields.context import RequestContext
from regulars.fields.declarations import Argument, column, connection, lookup, relation, resolver
from regulars.fields.ids import row_id
from regulars.fields.types import object_type, shown_as
from regulars.fields.values import Connection, Node

__all__ = ["CustomerIdentityNode", "CustomerNode", "CustomerQueries", "ExternalRefInput", "IdentityInput"]


@object_type(
    CustomerIdentity,
    name="CustomerIdentity",
    permission="customers:read",
    description="A name by which a customer is known: an address, a number, an id in another system.",
    visible=col(CustomerIdentity.retired_at).is_(None),
)
class CustomerIdentityNode:
    """A name by which a customer is known."""

    id: strawberry.ID = column(CustomerIdentity.id, description="The global id.", is_global_id=True)
    kind: str = column(
        CustomerIdentity.kind,
        description="email, phone, external, social, or visitor for the id of a device.",
        filterable=True,
    )
    source: str = column(
        CustomerIdentity.source, description="The system or platform that the name is of; else empty.", filterable=True
    )
    value: str = column(CustomerIdentity.value, description="The name as it was given.", filterable=True)
    verified_at: datetime | None = column(
        CustomerIdentity.verified_at, description="When it was proved to be theirs; null for a claim.", filterable=True
    )


@object_type(
    Customer,
    name="Customer",
    permission="customers:read",
    description="A person or company that may buy.",
    visible=and_(col(Customer.deleted_at).is_(None), col(Customer.merged_into_id).is_(None)),
)
class CustomerNode(Node):
    """A person or company that may buy."""

    id: strawberry.ID = column(Customer.id, description="The global id.", is_global_id=True, filterable=True)
    database_id: UUID = column(Customer.id, description="The id in the database.")
    display_name: str | None = column(
        Customer.display_name, description="How to call them.", filterable=True, sortable=True
    )
    language: str | None = column(Customer.language, description="BCP 47 language tag.", filterable=True)
    time_zone: str | None = column(Customer.time_zone, description="IANA time zone.", filterable=True)
    jurisdiction: str | None = column(
        Customer.jurisdiction, description="Country, or country and state, whose law holds: DE, US-FL.", filterable=True
    )
    status: str = column(
        Customer.status, description="active, restricted, deceased or erased.", filterable=True, sortable=True
    )
    age: str = column(Customer.age, description="What is known of their age: adult, minor or unknown.", filterable=True)
    has_guardian_consent: bool = column(
        Customer.has_guardian_consent, description="Whether a guardian of a minor agreed.", filterable=True
    )
    version: int = column(Customer.version, description="Grows with each change; give it as `expectedVersion`.")
    created_at: datetime = column(
        Customer.created_at, description="When the customer became known.", filterable=True, sortable=True
    )
    updated_at: datetime = column(
        Customer.updated_at, description="When the customer last changed.", filterable=True, sortable=True
    )
    identities: list[CustomerIdentityNode] = relation(
        CustomerIdentity.customer_id,
        description="The names by which they are known.",
        order_by=[CustomerIdentity.kind, CustomerIdentity.source, CustomerIdentity.value],
        assumed_size=5,
    )


@strawberry.input(description="The id of a customer in another system.")
class ExternalRefInput:
    """The id of a customer in another system."""

    source: str = strawberry.field(description="The other system, such as `crm`.")
    id: str = strawberry.field(description="The customer's id there.")


@strawberry.input(description="A name by which a customer is known.")
class IdentityInput:
    """A name by which a customer is known."""

    kind: str = strawberry.field(description="email, phone, external, social, or visitor for the id of a device.")
    value: str = strawberry.field(description="The address, number, id or account.")
    source: str = strawberry.field(default="", description="The system of an external id, the platform of an account.")


def _read(given: Mapping[str, Any]) -> Mapping[str, Any]:
    named = {name: value for name, value in given.items() if value is not None}
    if len(named) != 1:
        raise InvalidInput("Give exactly one of `id`, `externalRef` and `identity`.")
    if "id" in named:
        return {"id": row_id("Customer", named["id"])}
    if "externalRef" in named:
        identity = read_identity("external", named["externalRef"]["id"], named["externalRef"]["source"])
    else:
        identity = read_identity(**{"source": "", **named["identity"]})
    return {"kind": identity.kind, "source": identity.source, "normalised": identity.normalised}


def _matching(named: Mapping[str, Any]) -> ColumnElement[bool]:
    if "id" in named:
        asked = aliased(Customer)
        today = select(counts_today_as(asked)).where(col(asked.id) == named["id"])
        return col(Customer.id) == today.scalar_subquery()
    claims = select(col(CustomerIdentity.customer_id)).where(is_named(Identity(value="", **named)))
    owners = claims.where(col(CustomerIdentity.verified_at).is_not(None))
    # A verified owner is the only one; else a claim counts while nobody else makes it.
    return or_(col(Customer.id).in_(owners), and_(~exists(owners), col(Customer.id).in_(claims)))


@strawberry.type
class CustomerQueries:
    """What can be asked about customers."""

    customer: CustomerNode | None = lookup(
        _matching,
        read=_read,
        arguments={
            "id": Argument(strawberry.ID, "The global id, or the id in the database; a merged customer's leads on."),
            "externalRef": Argument(ExternalRefInput, "The id in another system."),
            "identity": Argument(IdentityInput, "A name; null when several claim it and nobody has proved it."),
        },
        permission="customers:read",
        description="One customer, by exactly one of the arguments; null when there is none.",
    )
    customers: Connection[CustomerNode] | None = connection(
        permission="customers:read",
        description="Customers, the newest first unless said otherwise.",
        order_by=[col(Customer.created_at).desc()],
        search=search_predicate,
    )

    @resolver(
        permission="customers:read",
        description="Customers by their ids in other systems: as many as asked, in that order, null where unknown.",
        counted_argument="refs",
    )
    async def customers_by_ref(
        self,
        info: Info[RequestContext, None],
        refs: Annotated[
            list[ExternalRefInput], strawberry.argument(description="Each a system, and the customer's id there.")
        ],
    ) -> list[CustomerNode | None] | None:
        """Return customers in the order of their references."""
        context = info.context
        async with context.alone() as session:
            wanted = [ExternalRef(ref.source, ref.id) for ref in refs]
            found = await find_customers_by_refs(session, refs=wanted)
        return [shown_as(CustomerNode, row) if row is not None and context.policy.owns(row) else None for row in found]
