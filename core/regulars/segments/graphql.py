"""Segments in the API."""

from datetime import datetime

import strawberry
from sqlmodel import col
from strawberry.scalars import JSON

from regulars.fields.declarations import Argument, column, connection, lookup
from regulars.fields.ids import row_id
from regulars.fields.types import object_type
from regulars.fields.values import Connection, Node
from regulars.segments.models import Segment

__all__ = ["SegmentNode", "SegmentQueries"]


@object_type(
    Segment,
    name="Segment",
    permission="segments:read",
    description="A saved filter over customers; who is in it is decided whenever it is asked.",
)
class SegmentNode(Node):
    """A saved filter over customers."""

    id: strawberry.ID = column(Segment.id, description="The global id.", is_global_id=True, filterable=True)
    name: str = column(Segment.name, description="What the company calls it.", filterable=True, sortable=True)
    description: str | None = column(Segment.description, description="What it is for.")
    where: JSON = column(Segment.where, description="The filter, in the shape of `CustomerWhere`.")
    version: int = column(Segment.version, description="Grows with each change; give it as `expectedVersion`.")
    created_at: datetime = column(Segment.created_at, description="When it was saved.", sortable=True)
    updated_at: datetime = column(Segment.updated_at, description="When it last changed.", sortable=True)


@strawberry.type
class SegmentQueries:
    """What can be asked about segments."""

    segment: SegmentNode | None = lookup(
        lambda given: col(Segment.id) == row_id("Segment", given.get("id") or ""),
        arguments={"id": Argument(strawberry.ID, "The global id, or the id in the database.")},
        permission="segments:read",
        description="One segment. Its customers: `customers(where: {segments: {anyOf: [ID]}})`.",
    )
    segments: Connection[SegmentNode] | None = connection(
        permission="segments:read", description="Saved filters, by name.", order_by=[col(Segment.name)]
    )
