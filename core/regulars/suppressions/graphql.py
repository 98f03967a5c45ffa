"""The suppression list in the API."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import strawberry
from sqlmodel import col
from strawberry.types import Info

from regulars.customers.graphql import IdentityInput
from regulars.customers.identities import Identity, read_identity
from regulars.customers.models import Customer
from regulars.fields.context import FieldContext, RequestContext
from regulars.fields.declarations import batch, column, connection, mutation, resolver
from regulars.fields.ids import row_id
from regulars.fields.types import object_type, shown_as, value_type
from regulars.fields.values import Connection, MutationInput, Node, Payload
from regulars.suppressions.kinds import NO_SCORING
from regulars.suppressions.lookups import (
    suppressed_customers,
    suppressions_of_addresses,
    suppressions_of_customers,
)
from regulars.suppressions.models import Suppression
from regulars.suppressions.service import (
    add_suppression,
    lift_suppression,
    opt_in_to_scoring,
    opt_out_of_scoring,
)

__all__ = ["CustomerSuppressions", "SuppressionMutations", "SuppressionNode", "SuppressionQueries"]

READ = "suppressions:read"


@object_type(
    Suppression,
    name="Suppression",
    permission=READ,
    description="An address, of which only a keyed hash is kept, or a customer, to be left alone for a reason.",
)
class SuppressionNode(Node):
    """An address or a customer to be left alone."""

    id: strawberry.ID = column(Suppression.id, description="The global id.", is_global_id=True, filterable=True)
    kind: str = column(
        Suppression.kind,
        description="hard_bounce, reassigned, complaint, dnc_registry, erased, no_scoring or no_link.",
        filterable=True,
    )
    channel: str = column(Suppression.channel, description="On which channel; `*` means all.", filterable=True)
    is_of_address: bool = column(
        col(Suppression.address_hash).is_not(None), description="Whether it is about an address.", filterable=True
    )
    reason: str = column(Suppression.reason, description="Why.")
    actor: str = column(Suppression.actor, description="Who put it on the list.")
    created_at: datetime = column(
        Suppression.created_at, description="Since when it stands.", filterable=True, sortable=True
    )
    lifted_at: datetime | None = column(
        Suppression.lifted_at, description="When it was lifted; null while it stands.", filterable=True
    )
    lifted_by: str | None = column(Suppression.lifted_by, description="Who lifted it.")
    lift_reason: str | None = column(Suppression.lift_reason, description="Why it was lifted.")


@value_type(description="A standing entry of the suppression list, about a customer or an address of theirs.")
class StandingSuppression:
    """A standing entry."""

    suppression_id: strawberry.ID = strawberry.field(description="The entry.")
    kind: str = strawberry.field(description="hard_bounce, reassigned, complaint, dnc_registry, no_scoring or no_link.")
    channel: str = strawberry.field(description="On which channel; `*` means all.")
    is_of_address: bool = strawberry.field(description="Whether it is about an address.")
    reason: str = strawberry.field(description="Why.")
    since: datetime = strawberry.field(description="Since when.")


def _view(entry: Suppression) -> StandingSuppression:
    return StandingSuppression(
        suppression_id=strawberry.ID(str(entry.id)),
        kind=entry.kind,
        channel=entry.channel,
        is_of_address=entry.address_hash is not None,
        reason=entry.reason,
        since=entry.created_at,
    )


async def _of_customers(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> list[list[StandingSuppression]]:
    ids = [parent["id"] for parent in parents]
    found = await suppressions_of_customers(context.session, customer_ids=ids)
    return [[_view(entry) for entry in found.get(id, ())] for id in ids]


@strawberry.type
class CustomerSuppressions:
    """What customers gain by the suppression list."""

    suppressions: list[StandingSuppression] | None = batch(
        _of_customers,
        requires=[Customer.id],
        permission=READ,
        description="What keeps them from being contacted, scored or connected: entries about them or their addresses.",
        assumed_size=5,
    )
    is_scored: bool | None = column(
        col(Customer.id).not_in(suppressed_customers([NO_SCORING])),
        permission="customers:read",
        description="Whether scores and guesses may be made; false once they opted out.",
        filterable=True,
    )


@strawberry.type
class SuppressionQueries:
    """What can be asked about the suppression list."""

    suppressions: Connection[SuppressionNode] | None = connection(
        permission=READ,
        description="All entries, lifted ones included, the newest first.",
        order_by=[col(Suppression.created_at).desc()],
    )

    @resolver(permission=READ, description="What stands about an address, whoever has it.", assumed_size=5)
    async def suppressions_of(
        self,
        info: Info[RequestContext, None],
        identity: Annotated[IdentityInput, strawberry.argument(description="The address.")],
        channel: Annotated[
            str | None, strawberry.argument(description="Only what stands in the way of this channel.")
        ] = None,
    ) -> list[StandingSuppression] | None:
        """Return what stands about an address."""
        context = info.context
        asked = read_identity(identity.kind, identity.value, identity.source)
        async with context.alone() as session:
            found = await suppressions_of_addresses(session, identities=[asked], channel=channel)
        return [_view(entry) for entry in found.get(asked, ())]


@strawberry.input(description="A customer or an address, one of the two.")
class ChoiceInput(MutationInput):
    """A customer or an address."""

    customer_id: strawberry.ID | None = strawberry.field(default=None, description="The customer.")
    identity: IdentityInput | None = strawberry.field(
        default=None, description="The address; only a keyed hash of it is kept, and no customer is created."
    )
    reason: str = strawberry.field(description="Why.")

    def whom(self) -> dict[str, Any]:
        """Return the two as services take them."""
        id, named = self.customer_id, self.identity
        return {
            "customer_id": None if id is None else row_id("Customer", id),
            "identity": None if named is None else _read(named),
        }


@strawberry.input(description="An address, or a customer, to be left alone.")
class SuppressionAddInput(ChoiceInput):
    """An address, or a customer, to be left alone."""

    kind: str = strawberry.field(
        description="hard_bounce, reassigned, complaint, dnc_registry, erased, no_scoring or no_link."
    )
    channel: str = strawberry.field(default="*", description="On which channel; `*` means all.")


@strawberry.input(description="Who chooses about scores.")
class ScoringChoiceInput(ChoiceInput):
    """Who chooses about scores."""


@strawberry.input(description="An entry to lift, and why.")
class SuppressionLiftInput(MutationInput):
    """An entry to lift."""

    id: strawberry.ID = strawberry.field(description="The entry.")
    reason: str = strawberry.field(description="Why: for `erased`, how it is known that they came back themselves.")


@value_type(description="The entry after the change.")
class SuppressionPayload(Payload):
    """The entry after the change."""

    suppression: SuppressionNode | None = strawberry.field(default=None, description="The entry; null after an error.")


@value_type(description="What was lifted.")
class ScoringOptInPayload(Payload):
    """What was lifted."""

    lifted: int | None = strawberry.field(default=None, description="How many entries were lifted.")


def _read(named: IdentityInput) -> Identity:
    return read_identity(named.kind, named.value, named.source)


@strawberry.type
class SuppressionMutations:
    """What can be changed about the suppression list."""

    @mutation(permission="suppressions:write", description="Put an address, or a customer, on the suppression list.")
    async def suppression_add(
        self, info: Info[RequestContext, None], input: SuppressionAddInput
    ) -> SuppressionPayload | None:
        """Put an address or a customer on the list."""
        context = info.context
        entry = await add_suppression(
            context.session,
            kind=input.kind,
            channel=input.channel,
            reason=input.reason,
            registry=context.services.consent_registry,
            actor=context.actor,
            now=context.now,
            **input.whom(),
        )
        return SuppressionPayload(suppression=shown_as(SuppressionNode, entry))

    @mutation(permission="suppressions:lift", description="Take an entry off the suppression list; it stays on record.")
    async def suppression_lift(
        self, info: Info[RequestContext, None], input: SuppressionLiftInput
    ) -> SuppressionPayload | None:
        """Take an entry off the list."""
        context = info.context
        entry = await lift_suppression(
            context.session,
            suppression_id=row_id("Suppression", input.id),
            reason=input.reason,
            actor=context.actor,
            now=context.now,
        )
        return SuppressionPayload(suppression=shown_as(SuppressionNode, entry))

    @mutation(
        permission="consents:write", description="Let no score and no guess be made of a customer, or of an address."
    )
    async def scoring_opt_out(
        self, info: Info[RequestContext, None], input: ScoringChoiceInput
    ) -> SuppressionPayload | None:
        """Let no score be made."""
        context = info.context
        entry = await opt_out_of_scoring(
            context.session,
            reason=input.reason,
            registry=context.services.consent_registry,
            actor=context.actor,
            now=context.now,
            **input.whom(),
        )
        return SuppressionPayload(suppression=shown_as(SuppressionNode, entry))

    @mutation(permission="consents:write", description="Let scores be made again, as the customer asked.")
    async def scoring_opt_in(
        self, info: Info[RequestContext, None], input: ScoringChoiceInput
    ) -> ScoringOptInPayload | None:
        """Let scores be made again."""
        context = info.context
        lifted = await opt_in_to_scoring(
            context.session, reason=input.reason, actor=context.actor, now=context.now, **input.whom()
        )
        return ScoringOptInPayload(lifted=len(lifted))
