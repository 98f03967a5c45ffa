"""Objections to facts in the API: what customers had deleted, what they call wrong, and how that ends."""

from datetime import datetime

import strawberry
from sqlmodel import col
from strawberry.types import Info

from regulars.fields.context import RequestContext
from regulars.fields.declarations import column, mutation, relation
from regulars.fields.ids import row_id
from regulars.fields.types import object_type, shown_as, value_type
from regulars.fields.values import MutationInput, Node, Payload
from regulars.traits.models import TraitObjection
from regulars.traits.objections import delete_trait, dispute_trait, lift_objection

__all__ = ["CustomerTraitObjections", "TraitObjectionMutations", "TraitObjectionNode"]

READ, WRITE = "traits:read", "traits:write"


@object_type(
    TraitObjection,
    name="TraitObjection",
    permission=READ,
    description="A fact that a customer had deleted, so that it is not made again, or that they call wrong.",
)
class TraitObjectionNode(Node):
    """A fact that a customer had deleted, or calls wrong."""

    id: strawberry.ID = column(TraitObjection.id, description="The global id.", is_global_id=True)
    key: str = column(TraitObjection.key, description="Which fact.", filterable=True)
    kind: str = column(TraitObjection.kind, description="deleted or disputed.", filterable=True)
    method: str = column(
        TraitObjection.method, description="Who told the fact: its source, or the plugin that keeps it."
    )
    reason: str | None = column(TraitObjection.reason, description="What is wrong, in the customer's words.")
    actor: str = column(TraitObjection.actor, description="Who noted it.")
    created_at: datetime = column(TraitObjection.created_at, description="Since when.")
    lifted_at: datetime | None = column(
        TraitObjection.lifted_at, description="When it ended; null while it stands.", filterable=True
    )


@strawberry.type
class CustomerTraitObjections:
    """What customers gain by objections."""

    trait_objections: list[TraitObjectionNode] | None = relation(
        TraitObjection.customer_id,
        permission=READ,
        description="Facts that they had deleted or call wrong, the newest first; ended ones too.",
        order_by=[col(TraitObjection.created_at).desc()],
        assumed_size=5,
    )


@strawberry.input(description="A fact of a customer.")
class TraitDeleteInput(MutationInput):
    """A fact of a customer."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    key: str = strawberry.field(description="Which fact: `clv.tier`, `favourite_genre`…")


@strawberry.input(description="A fact that a customer calls wrong.")
class TraitDisputeInput(MutationInput):
    """A fact that a customer calls wrong."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    key: str = strawberry.field(description="Which fact.")
    reason: str | None = strawberry.field(default=None, description="What is wrong, in the customer's words.")


@strawberry.input(description="An objection that ends.")
class TraitObjectionLiftInput(MutationInput):
    """An objection that ends."""

    id: strawberry.ID = strawberry.field(description="The objection.")


@value_type(description="What keeps the fact from being made again.")
class TraitDeletePayload(Payload):
    """What keeps the fact from being made again."""

    objections: list[TraitObjectionNode] | None = strawberry.field(
        default=None, description="What stands against making it again; empty where nothing guesses it."
    )


@value_type(description="What the customer objects to.")
class TraitDisputePayload(Payload):
    """What the customer objects to."""

    objections: list[TraitObjectionNode] | None = strawberry.field(default=None, description="The notes that stand.")


@value_type(description="The objection that ended.")
class TraitObjectionLiftPayload(Payload):
    """The objection that ended."""

    objection: TraitObjectionNode | None = strawberry.field(
        default=None, description="The objection; null after an error."
    )


@strawberry.type
class TraitObjectionMutations:
    """What can be changed about objections."""

    @mutation(
        permission=WRITE,
        description="Delete a fact about a customer; a guess is not made again by its method until that is lifted.",
    )
    async def trait_delete(
        self, info: Info[RequestContext, None], input: TraitDeleteInput
    ) -> TraitDeletePayload | None:
        """Delete a fact."""
        context = info.context
        objections = await delete_trait(
            context.session,
            customer_id=row_id("Customer", input.customer_id),
            key=input.key,
            registry=context.services.trait_registry,
            actor=context.actor,
            now=context.now,
        )
        return TraitDeletePayload(objections=[shown_as(TraitObjectionNode, one) for one in objections])

    @mutation(permission=WRITE, description="Note that a customer calls a fact wrong; whoever reads it sees that.")
    async def trait_dispute(
        self, info: Info[RequestContext, None], input: TraitDisputeInput
    ) -> TraitDisputePayload | None:
        """Note that a fact is called wrong."""
        context = info.context
        objections = await dispute_trait(
            context.session,
            customer_id=row_id("Customer", input.customer_id),
            key=input.key,
            reason=input.reason,
            registry=context.services.trait_registry,
            actor=context.actor,
            now=context.now,
        )
        return TraitDisputePayload(objections=[shown_as(TraitObjectionNode, one) for one in objections])

    @mutation(permission=WRITE, description="Let a fact be made again, or end a dispute.")
    async def trait_objection_lift(
        self, info: Info[RequestContext, None], input: TraitObjectionLiftInput
    ) -> TraitObjectionLiftPayload | None:
        """End an objection."""
        context = info.context
        objection = await lift_objection(
            context.session,
            objection_id=row_id("TraitObjection", input.id),
            actor=context.actor,
            now=context.now,
        )
        return TraitObjectionLiftPayload(objection=shown_as(TraitObjectionNode, objection))
