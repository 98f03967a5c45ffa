"""Messages in the API: what was sent, what waits, and what was spared."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import strawberry
from sqlmodel import col
from strawberry.types import Info

from regulars.errors import OutOfRange
from regulars.fields.context import RequestContext
from regulars.fields.declarations import Argument, column, connection, lookup, mutation, resolver
from regulars.fields.ids import row_id
from regulars.fields.types import object_type, shown_as, value_type
from regulars.fields.values import Connection, Money, MutationInput, Node, Payload
from regulars.messages.models import Message
from regulars.messages.service import cancel_message
from regulars.messages.waste import NotSent, messages_not_sent, read_prices, waiting_messages

__all__ = ["CustomerMessages", "MessageMutations", "MessageNode", "MessageQueries"]


@object_type(Message, name="Message", permission="messages:read", description="Something that is to be sent, or was.")
class MessageNode(Node):
    """Something that is to be sent, or was."""

    id: strawberry.ID = column(Message.id, description="The global id.", is_global_id=True, filterable=True)
    source: str = column(Message.source, description="The plugin whose message it is.", filterable=True)
    template: str = column(Message.template, description="The reviewed template.", filterable=True)
    channel: str = column(Message.channel, description="By which channel.", filterable=True)
    contact_class: str = column(Message.contact_class, description="Its class; the template fixes it.", filterable=True)
    topic: str = column(Message.topic, description="The stream; `*` is none in particular.", filterable=True)
    campaign: str | None = column(Message.campaign, description="The campaign.", filterable=True)
    state: str = column(
        Message.state,
        description=(
            "pending, deferred, sending, sent, bounced, failed, suppressed, cancelled, or unknown: it may have arrived"
            " or not, and is never sent again."
        ),
        filterable=True,
    )
    rule: str | None = column(Message.rule, description="The rule that stopped it or holds it up.", filterable=True)
    reason: str | None = column(Message.reason, description="Why, in a sentence.")
    wake_on: str | None = column(Message.wake_on, description="The event to wait for, when nobody knows the end.")
    next_at: datetime | None = column(
        Message.next_at, description="When it is looked at next; null at its end.", filterable=True, sortable=True
    )
    expires_at: datetime | None = column(Message.expires_at, description="From when on it is worth nothing.")
    attempts: int = column(Message.attempts, description="How often it was handed over.")
    delivery: str | None = column(Message.delivery, description="What took it out of the house.")
    provider_id: str | None = column(Message.provider_id, description="What the provider calls it.")
    created_at: datetime = column(Message.created_at, description="When it was taken.", filterable=True, sortable=True)
    handed_over_at: datetime | None = column(Message.handed_over_at, description="When the send started.")
    ended_at: datetime | None = column(Message.ended_at, description="When its end was known.", filterable=True)


@strawberry.type
class CustomerMessages:
    """What customers gain by messages."""

    messages: Connection[MessageNode] | None = connection(
        Message.customer_id,
        permission="messages:read",
        description="What was sent to them, and what was not, the newest first.",
        order_by=[col(Message.created_at).desc()],
    )


@value_type(description="How many messages one rule stopped on one channel, for one campaign.")
class MessagesNotSent:
    """How many messages one rule stopped."""

    rule: str = strawberry.field(description="The rule.")
    channel: str = strawberry.field(description="The channel.")
    campaign: str | None = strawberry.field(description="The campaign, where there is one.")
    messages: int = strawberry.field(description="How many.")
    spared: Money | None = strawberry.field(
        description="What they would have cost at the operator's prices; null without a price. It is no revenue."
    )


@value_type(description="Waste avoided: what was not sent, and what still waits.")
class WasteAvoided:
    """Waste avoided."""

    not_sent: list[MessagesNotSent] = strawberry.field(description="By rule, channel and campaign, the most first.")
    stale: int = strawberry.field(description="How many of them would have come too late.")
    waiting: int = strawberry.field(description="How many messages wait now.")
    oldest_waiting: datetime | None = strawberry.field(description="Since when the oldest of them waits.")


@strawberry.type
class MessageQueries:
    """What can be asked about messages."""

    message: MessageNode | None = lookup(
        lambda given: col(Message.id) == row_id("Message", given.get("id") or ""),
        arguments={"id": Argument(strawberry.ID, "The global id, or the id in the database.")},
        permission="messages:read",
        description="One message; null when there is none.",
    )
    messages: Connection[MessageNode] | None = connection(
        permission="messages:read",
        description='Messages, the newest first; `where: {state: {eq: "unknown"}}` gives those in doubt.',
        order_by=[col(Message.created_at).desc()],
    )

    @resolver(
        permission="messages:read",
        description="Waste avoided between two moments: which messages were not sent, and by which rule.",
        cost=20,
    )
    async def contact_messages_not_sent(
        self,
        info: Info[RequestContext, None],
        since: Annotated[datetime, strawberry.argument(description="From this moment on.")],
        until: Annotated[datetime, strawberry.argument(description="Up to this moment.")],
    ) -> WasteAvoided | None:
        """Return which messages were not sent."""
        if until <= since:
            raise OutOfRange("The period ends before it begins.", path=("until",))
        context = info.context
        prices = read_prices(context.services.settings.message_prices)
        async with context.alone() as session:
            stopped = await messages_not_sent(session, since=since, until=until, prices=prices)
            waiting = await waiting_messages(session)
        return WasteAvoided(
            not_sent=_shown(stopped, context.services.company.currency),
            stale=sum(each.messages for each in stopped if each.rule == "expires_before_eligible"),
            waiting=waiting.messages,
            oldest_waiting=waiting.oldest,
        )


def _shown(stopped: Sequence[NotSent], currency: str) -> list[MessagesNotSent]:
    def money(amount: Decimal | None) -> Money | None:
        return None if amount is None else Money(amount=amount, currency=currency)

    return [
        MessagesNotSent(
            rule=each.rule,
            channel=each.channel,
            campaign=each.campaign,
            messages=each.messages,
            spared=money(each.spared),
        )
        for each in stopped
    ]


@strawberry.input(description="A message to stop.")
class MessageCancelInput(MutationInput):
    """A message to stop."""

    id: strawberry.ID = strawberry.field(description="The message.")


@value_type(description="The message after the change.")
class MessagePayload(Payload):
    """The message after the change."""

    message: MessageNode | None = strawberry.field(default=None, description="The message; null after an error.")


@strawberry.type
class MessageMutations:
    """What can be changed about messages."""

    @mutation(permission="messages:cancel", description="Stop a message that has not been handed over.")
    async def message_cancel(
        self, info: Info[RequestContext, None], input: MessageCancelInput
    ) -> MessagePayload | None:
        """Stop a message."""
        context = info.context
        message = await cancel_message(
            context.session, message_id=row_id("Message", input.id), actor=context.actor, now=context.now
        )
        return MessagePayload(message=shown_as(MessageNode, message))
