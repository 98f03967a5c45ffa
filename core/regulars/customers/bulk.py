"""Change many customers through the API."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from regulars.customers.graphql import CustomerNode, IdentityInput
from regulars.customers.identities import Identity, read_identity
from regulars.customers.models import Customer, CustomerIdentity
from regulars.customers.mutations import CustomerRefInput, CustomerUpdateInput, CustomerUpsertInput
from regulars.customers.service import delete_customer, update_customer, upsert_customer
from regulars.customers.survivors import locked_survivors
from regulars.customers.turns import await_names
from regulars.errors import InvalidInput
from regulars.fields.bulk import bulk_mutation
from regulars.fields.context import RequestContext
from regulars.fields.ids import row_id

__all__ = ["CUSTOMER_BULK", "hold_customers"]


async def hold_customers(context: RequestContext, given: Sequence[str]) -> None:
    """Hold the customers with these ids, in the order of all writers; what is no id is left to whoever writes."""
    await locked_survivors(context.session, set(_ids(given)))


def _ids(given: Sequence[str]) -> Iterator[UUID]:
    for one in given:
        try:
            yield row_id("Customer", one)
        except InvalidInput:
            continue


def _identities(rows: Sequence[IdentityInput]) -> list[Identity]:
    return [read_identity(each.kind, each.value, each.source) for each in rows]


async def _hold_named(context: RequestContext, rows: Sequence[CustomerUpsertInput]) -> None:
    names = set()
    for row in rows:
        try:
            names |= {(one.kind, one.source, one.normalised) for one in _identities(row.identities)}
        except InvalidInput:
            continue
    await await_names(context.session, names)
    holders = select(col(CustomerIdentity.customer_id)).where(
        col(CustomerIdentity.normalised).in_({normalised for _, _, normalised in names})
    )
    await locked_survivors(context.session, set(await context.session.scalars(holders)))


async def _hold(context: RequestContext, rows: Sequence[Any]) -> None:
    await hold_customers(context, [row.id for row in rows])


async def _upsert(context: RequestContext, row: CustomerUpsertInput) -> Customer:
    done = await upsert_customer(
        context.session,
        identities=_identities(row.identities),
        changes=row.changes(),
        actor=context.actor,
        now=context.now,
    )
    return done.customer


async def _update(context: RequestContext, row: CustomerUpdateInput) -> Customer:
    return await update_customer(
        context.session,
        customer_id=row_id("Customer", row.id),
        changes=row.changes(),
        expected_version=row.expected_version,
        actor=context.actor,
        now=context.now,
    )


async def _delete(context: RequestContext, row: CustomerRefInput) -> Customer:
    return await delete_customer(
        context.session,
        customer_id=row_id("Customer", row.id),
        expected_version=row.expected_version,
        actor=context.actor,
        now=context.now,
    )


CUSTOMER_BULK = (
    bulk_mutation(
        "customer_bulk_upsert",
        rows=CustomerUpsertInput,
        entity=("customer", CustomerNode),
        hold=_hold_named,
        write=_upsert,
        permission="customers:write",
        description="Change or create up to 500 customers, found by their identities.",
    ),
    bulk_mutation(
        "customer_bulk_update",
        rows=CustomerUpdateInput,
        entity=("customer", CustomerNode),
        hold=_hold,
        write=_update,
        permission="customers:write",
        description="Change up to 500 customers.",
    ),
    bulk_mutation(
        "customer_bulk_delete",
        rows=CustomerRefInput,
        entity=("customer", CustomerNode),
        hold=_hold,
        write=_delete,
        permission="customers:write",
        description="Hide up to 500 customers until they are restored.",
    ),
)
"""Classes with one mutation each."""
