"""Find anything by its global id."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import select
from strawberry.types import Info

from regulars.errors import OutOfRange
from regulars.fields.context import RequestContext
from regulars.fields.declarations import named, resolver
from regulars.fields.ids import row_id
from regulars.fields.values import Node
from regulars.graphql.schema.where import primary_key

__all__ = ["NodeQueries"]

MOST_IDS = 100


@strawberry.type
class NodeQueries:
    """What can be asked of anything with a global id."""

    @named(permission="public", description="Anything, by its global id; null when there is none that you may see.")
    async def node(
        self,
        info: Info[RequestContext, None],
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],
    ) -> Node | None:
        """Return one thing."""
        return (await _nodes(info.context, [id]))[0]  # type: ignore[no-any-return]

    @resolver(
        permission="public",
        description="Up to 100 things by their global ids, in that order, null where there is none that you may see.",
        counted_argument="ids",
    )
    async def nodes(
        self,
        info: Info[RequestContext, None],
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="The global ids.")],
    ) -> list[Node | None]:
        """Return several things."""
        if len(ids) > MOST_IDS:
            raise OutOfRange(f"{len(ids)} ids are too many for one question; ask for {MOST_IDS} at a time.")
        return await _nodes(info.context, ids)


async def _nodes(context: RequestContext, ids: Sequence[str]) -> list[Any]:
    wanted: dict[str, set[UUID]] = defaultdict(set)
    places: dict[str, tuple[str, UUID]] = {}
    for id in ids:
        name = id.rpartition("_")[0]
        rules = context.schema.nodes.get(name)
        if rules is not None and context.actor.may(rules.permission):
            places[id] = (name, row_id(name, id))
            wanted[name].add(places[id][1])
    found: dict[tuple[str, UUID], Any] = {}
    for name, keys in wanted.items():
        rules = context.schema.nodes[name]
        key = primary_key(rules.source)
        seen = context.policy.condition(rules, rules.source)
        for row in (await context.execute(select(rules.rows).where(key.in_(keys), seen))).scalars():
            found[name, getattr(row, str(key.key))] = row
    return [found.get(places[id]) if id in places else None for id in ids]
