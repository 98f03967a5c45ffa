"""Suggestions of merges in the API."""

from datetime import datetime

import strawberry
from sqlmodel import col
from strawberry.types import Info

from regulars.customers.graphql import CustomerNode
from regulars.customers.models import MergeSuggestion
from regulars.customers.suggestions import dismiss_suggestion, is_open
from regulars.fields.context import RequestContext
from regulars.fields.declarations import column, connection, mutation, relation
from regulars.fields.ids import global_id, row_id
from regulars.fields.types import object_type, value_type
from regulars.fields.values import Connection, MutationInput, Payload

__all__ = ["MergeSuggestionMutations", "MergeSuggestionQueries"]


@object_type(
    MergeSuggestion,
    name="CustomerMergeSuggestion",
    permission="customers:merge",
    description="Two customers who may be one; nothing happens before a person merges them.",
    visible=is_open(),
)
class MergeSuggestionNode:
    """Two customers who may be one."""

    id: strawberry.ID = column(MergeSuggestion.id, description="The global id.", is_global_id=True)
    reason: str = column(MergeSuggestion.reason, description="What speaks for it.")
    suggested_by: str = column(MergeSuggestion.suggested_by, description="Who or what suggests it.")
    created_at: datetime = column(
        MergeSuggestion.created_at, description="When it was suggested.", filterable=True, sortable=True
    )
    first: CustomerNode | None = relation(
        MergeSuggestion.first_id, description="The one customer.", permission="customers:read"
    )
    second: CustomerNode | None = relation(
        MergeSuggestion.second_id, description="The other customer.", permission="customers:read"
    )


@strawberry.type
class MergeSuggestionQueries:
    """What can be asked about suggestions of merges."""

    customer_merge_suggestions: Connection[MergeSuggestionNode] | None = connection(
        permission="customers:merge",
        description="Customers who may be one and are not merged yet, the newest first.",
        order_by=[col(MergeSuggestion.created_at).desc()],
    )


@strawberry.input(description="A suggestion that two customers be merged.")
class CustomerMergeSuggestionRefInput(MutationInput):
    """A suggestion."""

    id: strawberry.ID = strawberry.field(description="The suggestion.")


@value_type(description="The suggestion that was dismissed.")
class CustomerMergeSuggestionPayload(Payload):
    """The suggestion that was dismissed."""

    suggestion_id: strawberry.ID | None = strawberry.field(default=None, description="Its id; null after an error.")


@strawberry.type
class MergeSuggestionMutations:
    """What can be changed about suggestions of merges."""

    @mutation(permission="customers:merge", description="Note that two customers are not one; see `customerMerge`.")
    async def customer_merge_suggestion_dismiss(
        self, info: Info[RequestContext, None], input: CustomerMergeSuggestionRefInput
    ) -> CustomerMergeSuggestionPayload | None:
        """Dismiss a suggestion."""
        context = info.context
        id = row_id("CustomerMergeSuggestion", input.id)
        await dismiss_suggestion(context.session, id=id, actor=context.actor, now=context.now)
        return CustomerMergeSuggestionPayload(suggestion_id=strawberry.ID(global_id("CustomerMergeSuggestion", id)))
