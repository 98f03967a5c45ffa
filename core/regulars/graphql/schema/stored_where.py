"""Read a filter that was saved, by the schema of today."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from graphql import GraphQLSchema, Undefined, assert_input_type, coerce_input_value

from regulars.errors import InvalidInput
from regulars.fields.ids import global_id

__all__ = ["SegmentOutdated", "stored_where"]


class SegmentOutdated(InvalidInput):
    """A saved filter uses a field that the schema does not have any more, as after disabling a plugin."""

    code = "SEGMENT_OUTDATED"

    def __init__(self, segment_id: UUID) -> None:
        super().__init__(
            f"The segment {global_id('Segment', segment_id)} uses a filter that is not available now."
            " Enable the plugin that it came from, or change the segment.",
            path=("where",),
        )


def stored_where(schema: GraphQLSchema, where: Mapping[str, Any], segment_id: UUID) -> Mapping[str, Any]:
    """Return a saved ``CustomerWhere`` with its values as Python values.

    Raises ``SegmentOutdated`` where today's schema does not accept it.
    """
    read = coerce_input_value(where, assert_input_type(schema.type_map["CustomerWhere"]))
    if read is Undefined:
        raise SegmentOutdated(segment_id)
    found: Mapping[str, Any] = read
    return found
