"""Who asks, in the API."""

import strawberry
from strawberry.types import Info

from regulars.fields.context import RequestContext
from regulars.fields.declarations import resolver
from regulars.fields.types import value_type

__all__ = ["ViewerQueries"]


@value_type(description="Whoever sends this request.")
class Viewer:
    """Whoever sends this request."""

    kind: str = strawberry.field(description="anonymous, staff, service or customer.")
    name: str = strawberry.field(description="What the key or the person is called; empty for anonymous.")
    permissions: list[str] = strawberry.field(description="What this request may do, by name.")


@strawberry.type
class ViewerQueries:
    """What everybody may ask."""

    @resolver(permission="public", description="Whoever sends this request, and what they may do.")
    async def viewer(self, info: Info[RequestContext, None]) -> Viewer:
        """Return who sends this request."""
        actor = info.context.actor
        return Viewer(kind=actor.kind, name=actor.name, permissions=sorted(actor.permissions))
