"""Change all customers for whom a filter holds, through the API; the inputs contain this schema's filters."""

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry.types import Info

from regulars.customers.bulk_changes import (
    BULK_CHANGE_JOB,
    CUSTOMERS_WRITE,
    BulkChange,
    CountDiffers,
    change_customers,
    check_count,
    matching_ids,
)
from regulars.customers.changes import CustomerChanges, checked
from regulars.customers.graphql import CustomerNode
from regulars.errors import InvalidInput
from regulars.fields.bulk import MOST_ROWS
from regulars.fields.context import RequestContext
from regulars.fields.declarations import mutation
from regulars.fields.types import shown_as, value_type
from regulars.fields.values import Payload
from regulars.graphql.schema.composed_inputs import InputField, plain_input
from regulars.graphql.schema.where import Filters
from regulars.jobs.graphql import JobNode
from regulars.jobs.service import enqueue_job
from regulars.plugins.contributions import GraphQLPart

__all__ = ["bulk_change_mutations"]

FACTS = ("language", "time_zone", "jurisdiction", "age", "has_guardian_consent", "status")
COST = 200


@strawberry.input(description="What is written about every one of them: leaving a field out leaves it, null clears it.")
class CustomerBulkFacts:
    """What is written about every one of them."""

    language: str | None = strawberry.field(default=strawberry.UNSET, description="BCP 47 language tag: de, en-GB.")
    time_zone: str | None = strawberry.field(default=strawberry.UNSET, description="IANA time zone: Europe/Berlin.")
    jurisdiction: str | None = strawberry.field(default=strawberry.UNSET, description="Whose law holds: DE, US-FL.")
    age: str | None = strawberry.field(default=strawberry.UNSET, description="adult, minor or unknown.")
    has_guardian_consent: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether a guardian of a minor agreed."
    )
    status: str | None = strawberry.field(default=strawberry.UNSET, description="active, restricted or deceased.")


@value_type(description="What became of the customers for whom the filter holds.")
class CustomerBulkChangePayload(Payload):
    """What became of the customers for whom the filter holds."""

    changed: int | None = strawberry.field(
        default=None, description="How many were changed; null after an error, and while a job changes them."
    )
    job: JobNode | None = strawberry.field(default=None, description="The job that changes them, if they are many.")


def bulk_change_mutations(filters: Filters) -> GraphQLPart:
    """Return the mutations that change customers by a filter."""
    common = [
        InputField("where", filters.where_input(CustomerNode), "For whom this holds.", is_required=True),
        InputField(
            "expectedCount", int, "For how many it holds; nothing is changed if it is another number.", is_required=True
        ),
        InputField("clientMutationId", str, "Any word; it comes back in the payload."),
    ]
    changes = InputField("changes", CustomerBulkFacts, "What is written.", is_required=True)
    update_input: Any = filters.inputs.make("CustomerBulkUpdateWhereInput", "Customers to change.", [changes, *common])
    delete_input: Any = filters.inputs.make("CustomerBulkDeleteWhereInput", "Customers to hide.", common)

    @strawberry.type
    class BulkChangeMutations:
        """What can be changed about many customers."""

        @mutation(
            permission=CUSTOMERS_WRITE,
            description=f"Change all customers for whom a filter holds; more than {MOST_ROWS} by a job.",
            cost=COST,
        )
        async def customer_bulk_update_where(
            self,
            info: Info[RequestContext, None],
            input: update_input,  # pyright: ignore[reportInvalidTypeForm]
        ) -> CustomerBulkChangePayload | None:
            """Change customers by a filter."""
            wanted = plain_input(input)
            given = {name: wanted["changes"][name] for name in FACTS if name in wanted["changes"]}
            if not checked(CustomerChanges(**given)):
                raise InvalidInput("Nothing is to be changed. Give at least one of the facts.", path=("changes",))
            return await _change(info.context, wanted, given)

        @mutation(
            permission=CUSTOMERS_WRITE,
            description=f"Hide all customers for whom a filter holds; more than {MOST_ROWS} by a job.",
            cost=COST,
        )
        async def customer_bulk_delete_where(
            self,
            info: Info[RequestContext, None],
            input: delete_input,  # pyright: ignore[reportInvalidTypeForm]
        ) -> CustomerBulkChangePayload | None:
            """Hide customers by a filter."""
            return await _change(info.context, plain_input(input), None)

    return GraphQLPart({"Mutation": BulkChangeMutations})


async def _change(
    context: RequestContext, wanted: Mapping[str, Any], changes: Mapping[str, Any] | None
) -> CustomerBulkChangePayload:
    ask = context.services.ask
    change = BulkChange(wanted["where"], changes, wanted["expectedCount"], context.actor)
    await check_count(ask, change)
    if change.expected_count > MOST_ROWS:
        job = await enqueue_job(
            context.session,
            kind=BULK_CHANGE_JOB,
            input=change.as_json(),
            actor=context.actor.label,
            now=context.now,
        )
        return CustomerBulkChangePayload(job=shown_as(JobNode, job))
    ids = [id async for page, _ in matching_ids(ask, change) for id in page]
    if len(ids) != change.expected_count:
        raise CountDiffers(expected=change.expected_count, actual=len(ids))
    changed = await change_customers(context.session, ids=ids, change=change, now=context.now)
    return CustomerBulkChangePayload(changed=changed)
