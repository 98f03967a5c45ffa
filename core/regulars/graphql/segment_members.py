"""For whom a saved filter holds, as SQL over customers, for work in the background that goes through all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from graphql import GraphQLSchema
from sqlalchemy import ColumnElement, and_

from regulars.access.actors import Actor
from regulars.customers.graphql import CustomerNode
from regulars.errors import Forbidden
from regulars.fields.ids import global_id
from regulars.fields.policy import RowPolicy
from regulars.fields.types import rules_of
from regulars.graphql.schema.building import BuiltSchema
from regulars.graphql.schema.stored_where import stored_where
from regulars.segments.service import IN_SEGMENTS

__all__ = ["segment_members"]


@dataclass(frozen=True)
class _Reader:
    """Somebody who asked for the work, with the filters as they were then."""

    actor: Actor
    schema: GraphQLSchema
    segments: Mapping[UUID, Mapping[str, Any]]

    def segment(self, id: UUID) -> Mapping[str, Any]:
        """Return the filter of a segment; raises ``SegmentOutdated`` where today's schema does not know it."""
        return stored_where(self.schema, self.segments[id], id)

    @property
    def policy(self) -> RowPolicy:
        """Return which rows the actor may see."""
        return RowPolicy(self.actor)

    def require(self, permission: str) -> None:
        """Raise ``Forbidden`` unless the actor has the permission."""
        if not self.actor.may(permission):
            raise Forbidden(permission)


def segment_members(
    schema: BuiltSchema, *, segment_id: UUID, segments: Mapping[UUID, Mapping[str, Any]], actor: Actor
) -> ColumnElement[bool]:
    """Return the condition on ``core_customer`` of the customers in a segment whom the actor may see.

    ``segments`` are the filters of the segment and of those that it names. Raises ``Forbidden`` for a filter that the
    actor may not use, and ``SegmentOutdated``.
    """
    rules = rules_of(CustomerNode)
    assert rules is not None
    reader = _Reader(actor, schema.graphql, segments)
    inside = {IN_SEGMENTS: {"anyOf": [global_id("Segment", segment_id)]}}
    members = schema.filters.predicate(CustomerNode, inside, rules.source, reader)
    return and_(reader.policy.condition(rules, rules.source), members)
