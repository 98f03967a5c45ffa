"""What changes, in the API: one envelope for subscriptions, handlers and webhooks."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from regulars.events.feed import EventFeed
from regulars.events.wanted import ALL, check_event_types
from regulars.fields.context import RequestContext
from regulars.fields.declarations import subscription
from regulars.fields.ids import row_id
from regulars.fields.types import value_type

__all__ = ["EventSubscriptions"]


@value_type(name="Event", description="Something that changed.")
class EventView:
    """Something that changed."""

    id: strawberry.ID = strawberry.field(description="Stays the same when the event is told again.")
    type: str = strawberry.field(description="What happened: customer.created, touchpoint.recorded…")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    subject: str = strawberry.field(description="What it happened to: `customer:<databaseId>`…")
    actor: str = strawberry.field(description="Who did it: `staff:<id>`, `service:<id>`, system…")
    data: JSON = strawberry.field(description="Ids and facts that are no personal data.")


@strawberry.type
class EventSubscriptions:
    """What can be followed."""

    @subscription(
        permission="events:read", description="What changes from now on, at least once, in no promised order."
    )
    async def events(
        self,
        info: Info[RequestContext, None],
        types: Annotated[
            list[str] | None,
            strawberry.argument(description="Types, `customer.*` for all that begin so, `*` for all; all unless said."),
        ] = None,
        customer_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only what happened to this customer.")
        ] = None,
    ) -> AsyncGenerator[EventView, None]:
        """Follow what changes."""
        subject = None if customer_id is None else f"customer:{row_id('Customer', customer_id)}"
        wanted = [ALL] if types is None else check_event_types(types, path="types")
        feed: EventFeed = info.context.services.feed
        async with aclosing(feed.follow(types=wanted, subject=subject)) as followed:
            async for event in followed:
                data: JSON = dict(event.data)  # type: ignore[assignment]
                yield EventView(
                    id=strawberry.ID(str(event.id)),
                    type=event.type,
                    occurred_at=event.occurred_at,
                    subject=event.subject,
                    actor=event.actor,
                    data=data,
                )
