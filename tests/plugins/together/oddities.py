"""A plugin whose fields are obtained in every way that there is, over the tables of the core."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry
from sqlalchemy import Float, Integer, case, cast, func, literal_column, select
from sqlmodel import col
from strawberry.scalars import JSON
from strawberry.types import Info

from regulars import (
    Connection,
    Customer,
    FieldContext,
    GraphQLPart,
    Money,
    PluginManifest,
    batch,
    column,
    connection,
    hookimpl,
    mutation,
    value_type,
)
from regulars.customers.graphql import CustomerNode
from regulars.customers.models import CustomerIdentity
from regulars.errors import NotFound
from regulars.fields.context import RequestContext
from regulars.fields.ids import row_id
from regulars.fields.types import shown_as
from regulars.fields.values import MutationInput, Payload
from regulars.plugins.joining.discovery import FoundPlugin, found_plugin
from regulars.tables import NOW, Amount, UtcDateTime
from regulars.touchpoints.graphql import TouchpointNode
from regulars.touchpoints.models import Touchpoint

__all__ = ["oddities"]

READ = "customers:read"
OWN = col(Touchpoint.customer_id) == col(Customer.id)
COUNT = select(func.count()).select_from(Touchpoint).where(OWN).scalar_subquery()
TOTAL = select(func.sum(col(Touchpoint.amount), type_=Amount())).where(OWN).scalar_subquery()
LAST = select(func.max(col(Touchpoint.occurred_at), type_=UtcDateTime())).where(OWN).scalar_subquery()
NAMES = (
    select(func.count()).select_from(CustomerIdentity).where(col(CustomerIdentity.customer_id) == col(Customer.id))
).scalar_subquery()


@value_type(name="OddAnswer", description="What Python answers.")
class OddAnswer:
    """What Python answers."""

    word: str = strawberry.field(description="A word.")
    seen_at: datetime = strawberry.field(description="A moment.")
    number: Decimal | None = strawberry.field(description="A number, or none.")


async def _answers(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> list[OddAnswer | None]:
    return [
        None
        if parent["display_name"] is None
        else OddAnswer(word=parent["display_name"], seen_at=parent["created_at"], number=None)
        for parent in parents
    ]


async def _labels(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> list[list[str]]:
    return [[str(parent["id"]), str(parent["version"])] for parent in parents]


async def _failing(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> list[str]:
    raise LookupError("as it does")


@strawberry.type
class OddFields:
    """What customers gain."""

    odd_count: int | None = column(COUNT, description="How many touchpoints.", sortable=True, filterable=True)
    odd_total: Decimal | None = column(TOTAL, description="Their sum.", sortable=True, filterable=True)
    odd_money: Money | None = column(TOTAL, currency=Customer.language, description="Their sum in odd coins.")
    odd_last: datetime | None = column(LAST, description="The last one.", sortable=True, filterable=True)
    odd_share: float | None = column(
        cast(COUNT, Float()) / cast(NAMES + 3, Float()), description="A share.", sortable=True, filterable=True
    )
    odd_third: float | None = column(cast(func.length(Customer.status), Float()) / 3.0, description="A third.")
    odd_large: int | None = column(
        case((COUNT > 5, literal_column("5000000000", Integer())), else_=cast(COUNT, Integer())),
        description="At times too large.",
    )
    odd_is_old: bool | None = column(
        col(Customer.created_at) < NOW, description="Whether it was before.", sortable=True
    )
    odd_text: str | None = column(
        func.upper(Customer.display_name) + "!\u2028'\"\\%s", description="A text with all sorts of marks."
    )
    odd_empty: JSON | None = column(
        select(col(Touchpoint.payload)).where(OWN).order_by(col(Touchpoint.id)).limit(1).scalar_subquery(),
        description="A document.",
    )
    odd_answer: OddAnswer | None = batch(
        _answers, requires=[Customer.display_name, Customer.created_at], permission=READ, description="From Python."
    )
    odd_labels: list[str] | None = batch(
        _labels, requires=[Customer.id, Customer.version], permission="odd:read", description="A list.", assumed_size=2
    )
    odd_failure: str | None = batch(_failing, requires=[Customer.id], permission=READ, description="Always fails.")
    odd_orders: Connection[TouchpointNode] | None = connection(
        Touchpoint.customer_id,
        description="Orders only, by amount.",
        permission="touchpoints:read",
        where=col(Touchpoint.type) == "order",
        order_by=[col(Touchpoint.amount).desc(), Touchpoint.type],
    )


@strawberry.input(description="Which customer.")
class OddTouchInput(MutationInput):
    """Which customer."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")


@value_type(name="OddTouchPayload", description="The customer as it is.")
class OddTouchPayload(Payload):
    """The customer as it is."""

    customer: CustomerNode | None = strawberry.field(default=None, description="The customer.")


@strawberry.input(description="Which customers.")
class OddTouchAllInput(MutationInput):
    """Which customers."""

    customer_ids: list[strawberry.ID] = strawberry.field(description="The customers.")


@value_type(name="OddTouched", description="One of them.")
class OddTouched:
    """One of them."""

    index: int = strawberry.field(description="Its place.")
    customer: CustomerNode | None = strawberry.field(description="The customer, if there is one.")


@value_type(name="OddTouchAllPayload", description="The customers as they are.")
class OddTouchAllPayload(Payload):
    """The customers as they are."""

    customers: list[CustomerNode] = strawberry.field(default_factory=list, description="Those that there are.")
    results: list[OddTouched] = strawberry.field(default_factory=list, description="One for each id.")


@strawberry.type
class OddMutations:
    """What changes nothing."""

    @mutation(permission=READ, description="Return a customer.")
    async def odd_touch(self, info: Info[RequestContext, None], input: OddTouchInput) -> OddTouchPayload | None:
        """Return a customer, or that there is none."""
        id = row_id("Customer", input.customer_id)
        found = await info.context.session.get(Customer, id)
        if found is None or not info.context.policy.owns(found):
            raise NotFound("customer", id, path=("customerId",))
        return OddTouchPayload(customer=shown_as(CustomerNode, found))

    @mutation(permission=READ, description="Return customers.")
    async def odd_touch_all(
        self, info: Info[RequestContext, None], input: OddTouchAllInput
    ) -> OddTouchAllPayload | None:
        """Return customers, and none in place of those who are not there."""
        session, policy = info.context.session, info.context.policy
        found = [await session.get(Customer, row_id("Customer", id)) for id in input.customer_ids]
        shown = [shown_as(CustomerNode, one) if one is not None and policy.owns(one) else None for one in found]
        results = [OddTouched(index=index, customer=one) for index, one in enumerate(shown)]
        return OddTouchAllPayload(customers=[one for one in shown if one is not None], results=results)


class _Hooks:
    """The plugin's hooks."""

    @hookimpl
    def graphql(self) -> GraphQLPart:
        """Add the fields."""
        return GraphQLPart(fields={"Customer": OddFields, "Mutation": OddMutations})


def oddities() -> FoundPlugin:
    """Return the plugin."""
    from regulars import Permission

    manifest = PluginManifest(
        id="odd",
        version="1.0.0",
        title="Oddities",
        summary="Fields of every kind.",
        hook_api=">=1.0,<2",
        implementation="odd",
        graphql_types=(
            "OddAnswer",
            "OddTouchInput",
            "OddTouchPayload",
            "OddTouchAllInput",
            "OddTouched",
            "OddTouchAllPayload",
        ),
        permissions=(Permission("odd:read", "See oddities", ("admin", "analyst")),),
    )
    return found_plugin(manifest, hooks=_Hooks())
