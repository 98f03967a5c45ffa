"""Customers in the API."""

from datetime import datetime
from uuid import UUID

import strawberry
from sqlalchemy import and_
from sqlmodel import col

from regulars.customers.models import Customer, CustomerIdentity
from regulars.fields.declarations import column, relation
from regulars.fields.types import object_type
from regulars.fields.values import Node

__all__ = ["CustomerIdentityNode", "CustomerNode"]


@object_type(
    CustomerIdentity,
    name="CustomerIdentity",
    permission="customers:read",
    description="A name by which a customer is known: an address, a number, an id in another system.",
    visible=col(CustomerIdentity.retired_at).is_(None),
)
class CustomerIdentityNode:
    """A name by which a customer is known."""

    kind: str = column(CustomerIdentity.kind, description="email, phone, external or social.", filterable=True)
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
