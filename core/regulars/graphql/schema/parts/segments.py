"""Filter customers by saved filters, and save filters that the schema accepts."""

from typing import Any

import strawberry
from sqlalchemy import FromClause, and_, not_, or_, true
from sqlalchemy.sql.elements import ColumnElement
from strawberry.types import Info

from regulars.customers.graphql import CustomerNode
from regulars.fields.context import RequestContext
from regulars.fields.declarations import mutation
from regulars.fields.ids import row_id
from regulars.fields.types import shown_as, value_type
from regulars.fields.values import MutationInput, Payload
from regulars.graphql.schema.composed_inputs import InputField, InputTypes, plain_input
from regulars.graphql.schema.where import ExtraFilter, Filters, Reader
from regulars.plugins.contributions import GraphQLPart
from regulars.segments.graphql import SegmentNode
from regulars.segments.service import create_segment, delete_segment, update_segment

__all__ = ["segment_filter", "segment_mutations"]


def segment_filter(inputs: InputTypes) -> ExtraFilter:
    """Return the filter ``segments`` of customers."""
    words = [
        InputField("anyOf", list[strawberry.ID], "In at least one of these segments."),
        InputField("noneOf", list[strawberry.ID], "In none of these segments."),
    ]
    kind = inputs.make("CustomerSegmentsFilter", "In which saved filters a customer is.", words)
    return ExtraFilter("segments", "On the saved filters that hold for the customer.", kind, _in_segments)


def _in_segments(given: dict[str, Any], source: FromClause, reader: Reader, filters: Filters) -> ColumnElement[bool]:
    reader.require("segments:read")

    def any_of(ids: list[str]) -> ColumnElement[bool]:
        rows = [reader.segment(row_id("Segment", id)) for id in ids]
        return or_(~true(), *(filters.predicate(CustomerNode, where, source, reader) for where in rows))

    conditions: list[ColumnElement[bool]] = []
    if given.get("anyOf") is not None:
        conditions.append(any_of(given["anyOf"]))
    if given.get("noneOf") is not None:
        conditions.append(not_(any_of(given["noneOf"])))
    return and_(true(), *conditions)


@value_type(description="The segment after the change.")
class SegmentPayload(Payload):
    """The segment after the change."""

    segment: SegmentNode | None = strawberry.field(default=None, description="The segment; null after an error.")


@strawberry.input(description="A segment, named by id.")
class SegmentRefInput(MutationInput):
    """A segment, named by id."""

    id: strawberry.ID = strawberry.field(description="The segment.")


def segment_mutations(filters: Filters) -> GraphQLPart:
    """Return the mutations that save filters; their input contains this schema's ``CustomerWhere``."""
    where = filters.where_input(CustomerNode)
    client_word = InputField("clientMutationId", str, "Any word; it comes back in the payload.")
    create_input: Any = filters.inputs.make(
        "SegmentCreateInput",
        "A filter to save.",
        [
            InputField("name", str, "What to call it.", is_required=True),
            InputField("description", str, "What it is for."),
            InputField("where", where, "The filter.", is_required=True),
            client_word,
        ],
    )
    update_input: Any = filters.inputs.make(
        "SegmentUpdateInput",
        "Changes to a segment: leaving a field out leaves it.",
        [
            InputField("id", strawberry.ID, "The segment.", is_required=True),
            InputField("name", str, "What to call it."),
            InputField("description", str, "What it is for; null clears it."),
            InputField("where", where, "The filter."),
            InputField("expectedVersion", int, "Refuse with CONFLICT unless the segment is at this version."),
            client_word,
        ],
    )

    @strawberry.type
    class SegmentMutations:
        """What can be changed about segments."""

        @mutation(permission="segments:write", description="Save a filter over customers under a name.")
        async def segment_create(
            self,
            info: Info[RequestContext, None],
            input: create_input,  # pyright: ignore[reportInvalidTypeForm]
        ) -> SegmentPayload | None:
            """Save a filter."""
            context, wanted = info.context, plain_input(input)
            segment = await create_segment(
                context.session,
                name=wanted["name"],
                description=wanted.get("description"),
                where=wanted["where"],
                actor=context.actor.label,
                now=context.now,
            )
            return SegmentPayload(segment=shown_as(SegmentNode, segment))

        @mutation(permission="segments:write", description="Change a saved filter.")
        async def segment_update(
            self,
            info: Info[RequestContext, None],
            input: update_input,  # pyright: ignore[reportInvalidTypeForm]
        ) -> SegmentPayload | None:
            """Change a saved filter."""
            context, wanted = info.context, plain_input(input)
            segment = await update_segment(
                context.session,
                segment_id=row_id("Segment", wanted["id"]),
                changes={name: wanted[name] for name in ("name", "description", "where") if name in wanted},
                expected_version=wanted.get("expectedVersion"),
                actor=context.actor.label,
                now=context.now,
            )
            return SegmentPayload(segment=shown_as(SegmentNode, segment))

        @mutation(permission="segments:write", description="Delete a segment that no other segment uses.")
        async def segment_delete(
            self, info: Info[RequestContext, None], input: SegmentRefInput
        ) -> SegmentPayload | None:
            """Delete a segment."""
            context = info.context
            id = row_id("Segment", input.id)
            await delete_segment(context.session, segment_id=id, actor=context.actor.label, now=context.now)
            return SegmentPayload()

    return GraphQLPart({"Mutation": SegmentMutations})
