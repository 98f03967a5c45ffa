"""Traits in the API: facts about customers, each with where it comes from."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry
from sqlmodel import col
from strawberry.types import Info

from regulars.customers.models import Customer
from regulars.errors import InvalidInput
from regulars.fields.context import FieldContext, RequestContext
from regulars.fields.declarations import batch, column, connection, mutation
from regulars.fields.ids import row_id
from regulars.fields.types import object_type, shown_as, value_type
from regulars.fields.values import Connection, MutationInput, Payload
from regulars.plugins.contributions import GraphQLPart
from regulars.traits.models import TraitDefinition
from regulars.traits.readings import TraitReading, read_traits
from regulars.traits.registry import TraitRegistry
from regulars.traits.service import define_trait, set_traits
from regulars.traits.values import TraitInput

__all__ = ["TraitMutations", "TraitQueries", "customer_traits"]

TRAITS_READ = "traits:read"


@value_type(name="TraitValue", description="A fact about a customer; exactly one of the values is set.")
class TraitValueView:
    """A fact about a customer."""

    key: str = strawberry.field(description="Which fact: `clv.tier`, `favourite_genre`…")
    title: str = strawberry.field(description="What it is, in words.")
    type: str = strawberry.field(description="text, number, boolean or time.")
    provenance: str = strawberry.field(
        description="declared: they said so; observed: we saw it; inferred: a model guessed; imported."
    )
    source: str = strawberry.field(description="Who told it; for a plugin's trait the plugin.")
    as_of: datetime | None = strawberry.field(description="When it was last true.")
    disputed_at: datetime | None = strawberry.field(description="Since when the customer calls it wrong; null if not.")
    text: str | None = strawberry.field(description="The value of a text.")
    number: Decimal | None = strawberry.field(description="The value of a number.")
    boolean: bool | None = strawberry.field(description="The value of a yes or no.")
    time: datetime | None = strawberry.field(description="The value of a moment.")


def _view(reading: TraitReading) -> TraitValueView:
    values: dict[str, Any] = dict.fromkeys(("text", "number", "boolean", "time"))
    values[reading.type] = reading.value
    return TraitValueView(
        key=reading.key,
        title=reading.title,
        type=reading.type,
        provenance=reading.provenance,
        source=reading.source,
        as_of=reading.as_of,
        disputed_at=reading.disputed_at,
        **values,
    )


def customer_traits(registry: TraitRegistry) -> GraphQLPart:
    """Return the field ``traits`` of customers, over the traits of these plugins and of the company."""

    async def load(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> list[list[TraitValueView]]:
        ids = [parent["id"] for parent in parents]
        found = await read_traits(
            context.session,
            customer_ids=ids,
            registry=registry,
            permissions=context.actor.permissions,
            now=context.now,
        )
        return [[_view(reading) for reading in found[id]] for id in ids]

    @strawberry.type
    class CustomerTraits:
        """What customers gain by traits."""

        traits: list[TraitValueView] | None = batch(
            load,
            requires=[Customer.id],
            permission=TRAITS_READ,
            description="What is known of them, each fact with its provenance.",
            assumed_size=20,
        )

    return GraphQLPart({"Customer": CustomerTraits})


@object_type(
    TraitDefinition,
    name="TraitDefinition",
    permission=TRAITS_READ,
    description="A fact that the company keeps about its customers.",
    is_open=True,
)
class TraitDefinitionNode:
    """A fact that the company keeps."""

    key: str = column(TraitDefinition.key, description="Which fact.", filterable=True)
    title: str = column(TraitDefinition.title, description="What it is, in words.")
    type: str = column(TraitDefinition.type, description="text, number, boolean or time.", filterable=True)
    provenance: str = column(TraitDefinition.provenance, description="Where its values come from.", filterable=True)
    is_personal: bool = column(TraitDefinition.is_personal, description="Whether it is personal data.")
    used_for: str | None = column(TraitDefinition.used_for, description="What it is used for, as customers read it.")


@strawberry.type
class TraitQueries:
    """What can be asked about traits."""

    trait_definitions: Connection[TraitDefinitionNode] | None = connection(
        permission=TRAITS_READ,
        description="The facts that the company defined, by key.",
        order_by=[col(TraitDefinition.key)],
    )


@strawberry.input(description="A fact to keep about customers.")
class TraitDefineInput(MutationInput):
    """A fact to keep about customers."""

    key: str = strawberry.field(description="Lower-case words joined by underscores.")
    title: str = strawberry.field(description="What it is, in words.")
    type: str = strawberry.field(description="text, number, boolean or time.")
    provenance: str = strawberry.field(description="declared, observed, inferred or imported; it never changes.")
    is_personal: bool = strawberry.field(default=False, description="Whether it is personal data.")
    used_for: str | None = strawberry.field(
        default=None, description="What it is used for, in words; customers read it on their page."
    )


@strawberry.input(description="A value of a fact; give exactly one, or none to clear it.")
class TraitValueInput:
    """A value of a fact."""

    key: str = strawberry.field(description="Which fact.")
    provenance: str = strawberry.field(description="Where this value comes from; must be as the fact is defined.")
    text: str | None = strawberry.field(default=None, description="The value of a text.")
    number: Decimal | None = strawberry.field(default=None, description="The value of a number.")
    boolean: bool | None = strawberry.field(default=None, description="The value of a yes or no.")
    time: datetime | None = strawberry.field(default=None, description="The value of a moment.")
    as_of: datetime | None = strawberry.field(default=None, description="When it was last true; now unless said.")

    def read(self, source: str) -> TraitInput:
        """Return the value as the service takes it."""
        values = [each for each in (self.text, self.number, self.boolean, self.time) if each is not None]
        if len(values) > 1:
            raise InvalidInput(f"Give one value for {self.key!r}, not {len(values)}.", path=("traits",))
        provenance: Any = self.provenance
        return TraitInput(self.key, values[0] if values else None, provenance, source, self.as_of)


@strawberry.input(description="Facts about a customer.")
class TraitSetInput(MutationInput):
    """Facts about a customer."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    source: str = strawberry.field(default="api", description="Who tells it.")
    traits: list[TraitValueInput] = strawberry.field(description="The values; all are written, or none.")


@value_type(description="The fact that was defined.")
class TraitDefinePayload(Payload):
    """The fact that was defined."""

    definition: TraitDefinitionNode | None = strawberry.field(
        default=None, description="The fact; null after an error."
    )


@value_type(description="Which facts were written.")
class TraitSetPayload(Payload):
    """Which facts were written."""

    written: list[str] | None = strawberry.field(
        default=None, description="Their keys; a value older than the one that stands is not written."
    )


@strawberry.type
class TraitMutations:
    """What can be changed about traits."""

    @mutation(permission="traits:write", description="Define a fact that the company keeps about its customers.")
    async def trait_define(
        self, info: Info[RequestContext, None], input: TraitDefineInput
    ) -> TraitDefinePayload | None:
        """Define a fact."""
        context = info.context
        type: Any = input.type
        provenance: Any = input.provenance
        definition = await define_trait(
            context.session,
            key=input.key,
            title=input.title,
            type=type,
            provenance=provenance,
            is_personal=input.is_personal,
            used_for=input.used_for,
            registry=context.services.trait_registry,
            actor=context.actor,
            now=context.now,
        )
        return TraitDefinePayload(definition=shown_as(TraitDefinitionNode, definition))

    @mutation(permission="traits:write", description="Set facts about a customer: observed never becomes declared.")
    async def trait_set(self, info: Info[RequestContext, None], input: TraitSetInput) -> TraitSetPayload | None:
        """Set facts about a customer."""
        context = info.context
        written = await set_traits(
            context.session,
            customer_id=row_id("Customer", input.customer_id),
            values=[each.read(input.source) for each in input.traits],
            registry=context.services.trait_registry,
            actor=context.actor,
            now=context.now,
        )
        return TraitSetPayload(written=written)
