"""Change customers through the API."""

from typing import Any

import strawberry
from strawberry.types import Info

from regulars.customers.changes import CustomerChanges
from regulars.customers.claims import add_identity, remove_identity, verify_identity
from regulars.customers.graphql import CustomerIdentityNode, CustomerNode, IdentityInput
from regulars.customers.identities import Identity, read_identity
from regulars.customers.service import (
    create_customer,
    delete_customer,
    restore_customer,
    update_customer,
    upsert_customer,
)
from regulars.fields.context import RequestContext
from regulars.fields.declarations import mutation
from regulars.fields.ids import row_id
from regulars.fields.types import shown_as, value_type
from regulars.fields.values import MutationInput, Payload, given

__all__ = ["CustomerMutations", "CustomerPayload"]

FACTS = ("display_name", "language", "time_zone", "jurisdiction", "age", "has_guardian_consent", "status")


@strawberry.input(description="What is written about a customer: leaving a field out leaves it, null clears it.")
class CustomerFacts(MutationInput):
    """What is written about a customer."""

    display_name: str | None = strawberry.field(default=strawberry.UNSET, description="How to call them.")
    language: str | None = strawberry.field(default=strawberry.UNSET, description="BCP 47 language tag: de, en-GB.")
    time_zone: str | None = strawberry.field(default=strawberry.UNSET, description="IANA time zone: Europe/Berlin.")
    jurisdiction: str | None = strawberry.field(default=strawberry.UNSET, description="Whose law holds: DE, US-FL.")
    age: str | None = strawberry.field(default=strawberry.UNSET, description="adult, minor or unknown.")
    has_guardian_consent: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether a guardian of a minor agreed."
    )
    status: str | None = strawberry.field(
        default=strawberry.UNSET, description="active, restricted or deceased; it cannot be cleared."
    )

    def changes(self) -> CustomerChanges:
        """Return the facts as the service takes them."""
        values: dict[str, Any] = {name: given(getattr(self, name)) for name in FACTS}
        return CustomerChanges(**values)


@strawberry.input(description="A new customer.")
class CustomerCreateInput(CustomerFacts):
    """A new customer."""

    identities: list[IdentityInput] = strawberry.field(
        default_factory=list, description="Names by which they are known; claims until verified."
    )


@strawberry.input(description="Changes to a customer: leaving a field out leaves it, null clears it.")
class CustomerUpdateInput(CustomerFacts):
    """Changes to a customer."""

    id: strawberry.ID = strawberry.field(description="The customer.")
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless the customer is at this version."
    )


@strawberry.input(description="A customer to change, or to create when these identities lead to nobody.")
class CustomerUpsertInput(CustomerFacts):
    """A customer to change or create."""

    identities: list[IdentityInput] = strawberry.field(description="How to find them, external ids first.")


@strawberry.input(description="A customer, named by id.")
class CustomerRefInput(MutationInput):
    """A customer, named by id."""

    id: strawberry.ID = strawberry.field(description="The customer.")
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless the customer is at this version."
    )


@strawberry.input(description="A name to give to a customer.")
class CustomerIdentityAddInput(MutationInput):
    """A name to give to a customer."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    identity: IdentityInput = strawberry.field(description="The name.")
    is_verified: bool = strawberry.field(default=False, description="Whether it is proved to be theirs.")


@strawberry.input(description="A name of a customer, by its id.")
class CustomerIdentityRefInput(MutationInput):
    """A name of a customer."""

    id: strawberry.ID = strawberry.field(description="The identity.")


@value_type(description="The customer after the change.")
class CustomerPayload(Payload):
    """The customer after the change."""

    customer: CustomerNode | None = strawberry.field(default=None, description="The customer; null after an error.")


@value_type(description="The customer after an upsert.")
class CustomerUpsertPayload(CustomerPayload):
    """The customer after an upsert."""

    is_new: bool | None = strawberry.field(default=None, description="Whether there was none before.")


@value_type(description="The identity after the change.")
class CustomerIdentityPayload(Payload):
    """The identity after the change."""

    identity: CustomerIdentityNode | None = strawberry.field(
        default=None, description="The identity; null after an error."
    )


def _read(identities: list[IdentityInput]) -> list[Identity]:
    return [read_identity(each.kind, each.value, each.source) for each in identities]


def _shown(row: Any) -> CustomerPayload:
    return CustomerPayload(customer=shown_as(CustomerNode, row))


@strawberry.type
class CustomerMutations:
    """What can be changed about customers."""

    @mutation(permission="customers:write", description="Create a customer.")
    async def customer_create(
        self, info: Info[RequestContext, None], input: CustomerCreateInput
    ) -> CustomerPayload | None:
        """Create a customer."""
        context = info.context
        identities = _read(input.identities)
        return _shown(
            await create_customer(
                context.session, changes=input.changes(), identities=identities, actor=context.actor, now=context.now
            )
        )

    @mutation(permission="customers:write", description="Change a customer.")
    async def customer_update(
        self, info: Info[RequestContext, None], input: CustomerUpdateInput
    ) -> CustomerPayload | None:
        """Change a customer."""
        context = info.context
        return _shown(
            await update_customer(
                context.session,
                customer_id=row_id("Customer", input.id),
                changes=input.changes(),
                expected_version=input.expected_version,
                actor=context.actor,
                now=context.now,
            )
        )

    @mutation(
        permission="customers:write", description="Change the customer whom these identities name, or create one."
    )
    async def customer_upsert(
        self, info: Info[RequestContext, None], input: CustomerUpsertInput
    ) -> CustomerUpsertPayload | None:
        """Change or create a customer."""
        context = info.context
        identities = _read(input.identities)
        done = await upsert_customer(
            context.session, identities=identities, changes=input.changes(), actor=context.actor, now=context.now
        )
        return CustomerUpsertPayload(customer=shown_as(CustomerNode, done.customer), is_new=done.is_new)

    @mutation(permission="customers:write", description="Hide a customer until they are restored.")
    async def customer_delete(
        self, info: Info[RequestContext, None], input: CustomerRefInput
    ) -> CustomerPayload | None:
        """Hide a customer."""
        context = info.context
        return _shown(
            await delete_customer(
                context.session,
                customer_id=row_id("Customer", input.id),
                expected_version=input.expected_version,
                actor=context.actor,
                now=context.now,
            )
        )

    @mutation(permission="customers:write", description="Bring a deleted customer back, identities included.")
    async def customer_restore(
        self, info: Info[RequestContext, None], input: CustomerRefInput
    ) -> CustomerPayload | None:
        """Bring a deleted customer back."""
        context = info.context
        id = row_id("Customer", input.id)
        return _shown(await restore_customer(context.session, customer_id=id, actor=context.actor, now=context.now))

    @mutation(permission="customers:write", description="Give a customer a name.")
    async def customer_identity_add(
        self, info: Info[RequestContext, None], input: CustomerIdentityAddInput
    ) -> CustomerIdentityPayload | None:
        """Give a customer a name."""
        context = info.context
        row = await add_identity(
            context.session,
            customer_id=row_id("Customer", input.customer_id),
            identity=_read([input.identity])[0],
            actor=context.actor,
            now=context.now,
            verified_at=context.now if input.is_verified else None,
        )
        return CustomerIdentityPayload(identity=shown_as(CustomerIdentityNode, row))

    @mutation(permission="customers:write", description="Note that a name is proved to be this customer's.")
    async def customer_identity_verify(
        self, info: Info[RequestContext, None], input: CustomerIdentityRefInput
    ) -> CustomerIdentityPayload | None:
        """Note that a name is proved."""
        context = info.context
        id = row_id("CustomerIdentity", input.id)
        row = await verify_identity(context.session, identity_id=id, actor=context.actor, now=context.now)
        return CustomerIdentityPayload(identity=shown_as(CustomerIdentityNode, row))

    @mutation(permission="customers:write", description="Take a name from its customer.")
    async def customer_identity_remove(
        self, info: Info[RequestContext, None], input: CustomerIdentityRefInput
    ) -> CustomerPayload | None:
        """Take a name from its customer."""
        context = info.context
        id = row_id("CustomerIdentity", input.id)
        return _shown(await remove_identity(context.session, identity_id=id, actor=context.actor, now=context.now))
