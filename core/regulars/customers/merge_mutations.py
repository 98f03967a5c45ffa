"""Merge customers through the API, and part them again."""

from dataclasses import asdict

import strawberry
from strawberry.types import Info

from regulars.customers.graphql import CustomerNode
from regulars.customers.merge_preview import MergePreview, preview_merge
from regulars.customers.merges import merge_customers, unmerge_customers
from regulars.customers.models import Customer
from regulars.customers.mutations import CustomerPayload
from regulars.fields.context import RequestContext
from regulars.fields.declarations import mutation
from regulars.fields.ids import global_id, row_id
from regulars.fields.types import shown_as, value_type
from regulars.fields.values import MutationInput, Payload

__all__ = ["CustomerMergeMutations"]


@strawberry.input(description="Two customers that may be one.")
class CustomerMergePreviewInput(MutationInput):
    """Two customers that may be one."""

    survivor_id: strawberry.ID = strawberry.field(description="Who should keep the id; an identified customer does.")
    merged_id: strawberry.ID = strawberry.field(description="Who should become part of the other.")


@strawberry.input(description="Two customers that are one.")
class CustomerMergeInput(CustomerMergePreviewInput):
    """Two customers that are one."""

    reason: str = strawberry.field(description="Why they are the same.")
    explicit: bool = strawberry.field(
        default=False, description="Needed when both are identified: a person looked, and they are the same."
    )


@strawberry.input(description="A merge to undo.")
class CustomerUnmergeInput(MutationInput):
    """A merge to undo."""

    merge_id: strawberry.ID = strawberry.field(description="The merge, as `customerMerge` named it.")


@value_type(description="What a merge would move.")
class MergeMoves:
    """What a merge would move."""

    identities: int = strawberry.field(description="Names.")
    touchpoints: int = strawberry.field(description="Touchpoints.")
    consent_events: int = strawberry.field(description="Entries of the ledger of consents.")
    trait_values: int = strawberry.field(description="Facts that the company defined.")


@value_type(description="Something of which the two say different things.")
class MergeDifference:
    """Something of which the two say different things."""

    name: str = strawberry.field(description="What it is.")
    kept: str = strawberry.field(description="What would stand.")
    dropped: str = strawberry.field(description="What would not; unmerging brings it back.")


@value_type(description="Something that one of the two allows today and the survivor would not.")
class MergeNarrowing:
    """Something that would not be allowed any more."""

    purpose: str = strawberry.field(description="What for.")
    channel: str = strawberry.field(description="By which channel.")
    topic: str = strawberry.field(description="About what.")
    reason: str = strawberry.field(description="Why, in a sentence.")


@value_type(description="What a merge would do; nothing has been written.")
class CustomerMergePreviewPayload(Payload):
    """What a merge would do."""

    survivor_id: strawberry.ID | None = strawberry.field(default=None, description="Who would keep the id.")
    merged_id: strawberry.ID | None = strawberry.field(default=None, description="Who would become part of the other.")
    needs_explicit: bool | None = strawberry.field(
        default=None, description="Whether both are identified, so that a person must say so."
    )
    moves: MergeMoves | None = strawberry.field(default=None, description="How many rows would move.")
    differences: list[MergeDifference] | None = strawberry.field(
        default=None, description="Of what the two say different things."
    )
    conflicting_traits: list[str] | None = strawberry.field(
        default=None, description="Facts of which both have another value; both are kept."
    )
    narrowed_consents: list[MergeNarrowing] | None = strawberry.field(
        default=None, description="What would not be allowed any more: a merge never widens consent."
    )


@value_type(description="The survivor of a merge.")
class CustomerMergePayload(CustomerPayload):
    """The survivor of a merge."""

    merge_id: strawberry.ID | None = strawberry.field(default=None, description="The merge; give it to undo it.")


@value_type(description="The two customers after a merge was undone.")
class CustomerUnmergePayload(CustomerPayload):
    """The two customers after a merge was undone."""

    restored: CustomerNode | None = strawberry.field(default=None, description="Who is a customer of their own again.")


def _shown(preview: MergePreview) -> CustomerMergePreviewPayload:
    return CustomerMergePreviewPayload(
        survivor_id=strawberry.ID(global_id("Customer", preview.survivor_id)),
        merged_id=strawberry.ID(global_id("Customer", preview.merged_id)),
        needs_explicit=preview.needs_explicit,
        moves=MergeMoves(**asdict(preview.moves)),
        differences=[MergeDifference(**asdict(each)) for each in preview.conflicts],
        conflicting_traits=list(preview.conflicting_traits),
        narrowed_consents=[MergeNarrowing(**asdict(each)) for each in preview.narrowed_consents],
    )


@strawberry.type
class CustomerMergeMutations:
    """How customers become one, and two again."""

    @mutation(permission="customers:merge", description="See what merging two customers would do; writes nothing.")
    async def customer_merge_preview(
        self, info: Info[RequestContext, None], input: CustomerMergePreviewInput
    ) -> CustomerMergePreviewPayload | None:
        """See what a merge would do."""
        survivor, merged = row_id("Customer", input.survivor_id), row_id("Customer", input.merged_id)
        context = info.context
        return _shown(await preview_merge(context.session, survivor_id=survivor, merged_id=merged, now=context.now))

    @mutation(permission="customers:merge", description="Make two customers one; it can be undone.")
    async def customer_merge(
        self, info: Info[RequestContext, None], input: CustomerMergeInput
    ) -> CustomerMergePayload | None:
        """Make two customers one."""
        context = info.context
        merge = await merge_customers(
            context.session,
            survivor_id=row_id("Customer", input.survivor_id),
            merged_id=row_id("Customer", input.merged_id),
            explicit=input.explicit,
            reason=input.reason,
            actor=context.actor,
            on_merged=context.services.on_merged(context.actor),
            now=context.now,
        )
        survivor = await context.session.get_one(Customer, merge.survivor_id)
        return CustomerMergePayload(
            customer=shown_as(CustomerNode, survivor), merge_id=strawberry.ID(global_id("CustomerMerge", merge.id))
        )

    @mutation(permission="customers:merge", description="Part two customers again, with nothing lost.")
    async def customer_unmerge(
        self, info: Info[RequestContext, None], input: CustomerUnmergeInput
    ) -> CustomerUnmergePayload | None:
        """Part two customers again."""
        context = info.context
        merge = await unmerge_customers(
            context.session,
            merge_id=row_id("CustomerMerge", input.merge_id),
            actor=context.actor,
            on_unmerged=context.services.on_unmerged(context.actor),
            now=context.now,
        )
        survivor = await context.session.get_one(Customer, merge.survivor_id)
        merged = await context.session.get_one(Customer, merge.merged_id)
        return CustomerUnmergePayload(
            customer=shown_as(CustomerNode, survivor), restored=shown_as(CustomerNode, merged)
        )
