"""Change webhooks through the API, try them, and send again what they missed."""

from datetime import datetime

import strawberry
from strawberry.types import Info

from regulars.fields.context import RequestContext
from regulars.fields.declarations import mutation
from regulars.fields.ids import row_id
from regulars.fields.types import shown_as, value_type
from regulars.fields.values import MutationInput, Payload, given
from regulars.webhooks.graphql import WebhookDeliveryNode, WebhookNode
from regulars.webhooks.models import WebhookSecret
from regulars.webhooks.replays import replay_events, retry_delivery, send_test_event
from regulars.webhooks.service import (
    WebhookChanges,
    create_webhook,
    delete_webhook,
    rotate_secret,
    update_webhook,
)
from regulars.webhooks.signing import derived_secret, secret_text

__all__ = ["WebhookMutations"]


@strawberry.input(description="A new webhook.")
class WebhookCreateInput(MutationInput):
    """A new webhook."""

    url: str = strawberry.field(description="Where to send events: an https address.")
    event_types: list[str] = strawberry.field(
        description="What to tell it of: types, `customer.*` for all that begin so, `*` for all."
    )
    description: str | None = strawberry.field(default=None, description="What it is for.")


@strawberry.input(description="Changes to a webhook: leaving a field out leaves it.")
class WebhookUpdateInput(MutationInput):
    """Changes to a webhook."""

    id: strawberry.ID = strawberry.field(description="The webhook.")
    url: str | None = strawberry.field(default=strawberry.UNSET, description="Where to send events from now on.")
    event_types: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="What to tell it of from now on; what is queued is sent all the same."
    )
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for; null clears it.")
    is_enabled: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether anything is sent; false gives up what waits."
    )
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless the webhook is at this version."
    )


@strawberry.input(description="A webhook, named by id.")
class WebhookRefInput(MutationInput):
    """A webhook, named by id."""

    id: strawberry.ID = strawberry.field(description="The webhook.")


@strawberry.input(description="A webhook that gets a new secret.")
class WebhookSecretRotateInput(WebhookRefInput):
    """A webhook that gets a new secret."""

    overlap_hours: int = strawberry.field(
        default=24, description="How long the secret before signs too, so that the receiver can change over; 0 to 168."
    )


@strawberry.input(description="A delivery, named by id.")
class WebhookDeliveryRefInput(MutationInput):
    """A delivery, named by id."""

    id: strawberry.ID = strawberry.field(description="The delivery.")


@strawberry.input(description="A period whose events are sent again.")
class WebhookReplayInput(WebhookRefInput):
    """A period whose events are sent again."""

    since: datetime = strawberry.field(description="The first moment of the period.")
    until: datetime = strawberry.field(description="The moment after its last.")
    only_dead: bool = strawberry.field(
        default=False, description="Only what was given up; otherwise all events that the webhook wants today."
    )


@value_type(description="The webhook after the change.")
class WebhookPayload(Payload):
    """The webhook after the change."""

    webhook: WebhookNode | None = strawberry.field(default=None, description="The webhook; null after an error.")


@value_type(description="The webhook with its new secret.")
class WebhookSecretPayload(Payload):
    """The webhook with its new secret."""

    webhook: WebhookNode | None = strawberry.field(default=None, description="The webhook; null after an error.")
    secret: str | None = strawberry.field(
        default=None, description="The secret, `whsec_…`. It is shown here alone; give it to the receiver."
    )


@value_type(description="The delivery after the change.")
class WebhookDeliveryPayload(Payload):
    """The delivery after the change."""

    delivery: WebhookDeliveryNode | None = strawberry.field(
        default=None, description="The delivery; null after an error."
    )


@value_type(description="What is sent again.")
class WebhookReplayPayload(Payload):
    """What is sent again."""

    webhook: WebhookNode | None = strawberry.field(default=None, description="The webhook; null after an error.")
    queued: int | None = strawberry.field(default=None, description="How many deliveries wait because of it.")


def _text_of(context: RequestContext, secret: WebhookSecret) -> str:
    return secret_text(derived_secret(context.services.secret, secret.id))


@strawberry.type
class WebhookMutations:
    """What can be changed about webhooks."""

    @mutation(permission="webhooks:manage", description="Send events of some types to an address from now on.")
    async def webhook_create(
        self, info: Info[RequestContext, None], input: WebhookCreateInput
    ) -> WebhookSecretPayload | None:
        """Make a webhook."""
        context = info.context
        webhook, secret = await create_webhook(
            context.session,
            url=input.url,
            event_types=input.event_types,
            description=input.description,
            outgoing=context.services.outgoing,
            actor=context.actor.label,
            now=context.now,
        )
        return WebhookSecretPayload(webhook=shown_as(WebhookNode, webhook), secret=_text_of(context, secret))

    @mutation(permission="webhooks:manage", description="Change a webhook, or enable it again.")
    async def webhook_update(
        self, info: Info[RequestContext, None], input: WebhookUpdateInput
    ) -> WebhookPayload | None:
        """Change a webhook."""
        context = info.context
        webhook = await update_webhook(
            context.session,
            webhook_id=row_id("Webhook", input.id),
            changes=WebhookChanges(
                given(input.url), given(input.event_types), given(input.description), given(input.is_enabled)
            ),
            expected_version=input.expected_version,
            outgoing=context.services.outgoing,
            actor=context.actor.label,
            now=context.now,
        )
        return WebhookPayload(webhook=shown_as(WebhookNode, webhook))

    @mutation(permission="webhooks:manage", description="Delete a webhook with its secrets and deliveries.")
    async def webhook_delete(self, info: Info[RequestContext, None], input: WebhookRefInput) -> WebhookPayload | None:
        """Delete a webhook."""
        context = info.context
        id = row_id("Webhook", input.id)
        await delete_webhook(context.session, webhook_id=id, actor=context.actor.label, now=context.now)
        return WebhookPayload()

    @mutation(
        permission="webhooks:manage",
        description="Send an event `webhook.test` to this webhook alone; ask for the delivery to see how it went.",
    )
    async def webhook_test(
        self, info: Info[RequestContext, None], input: WebhookRefInput
    ) -> WebhookDeliveryPayload | None:
        """Try a webhook."""
        context = info.context
        id = row_id("Webhook", input.id)
        delivery = await send_test_event(context.session, webhook_id=id, actor=context.actor.label, now=context.now)
        return WebhookDeliveryPayload(delivery=shown_as(WebhookDeliveryNode, delivery))

    @mutation(
        permission="webhooks:manage", description="Make a new secret; for a while both sign, never more than two."
    )
    async def webhook_secret_rotate(
        self, info: Info[RequestContext, None], input: WebhookSecretRotateInput
    ) -> WebhookSecretPayload | None:
        """Make a new secret."""
        context = info.context
        webhook, secret = await rotate_secret(
            context.session,
            webhook_id=row_id("Webhook", input.id),
            overlap_hours=input.overlap_hours,
            actor=context.actor.label,
            now=context.now,
        )
        return WebhookSecretPayload(webhook=shown_as(WebhookNode, webhook), secret=_text_of(context, secret))

    @mutation(permission="webhooks:manage", description="Try a delivery again now, and as often as a new one.")
    async def webhook_delivery_retry(
        self, info: Info[RequestContext, None], input: WebhookDeliveryRefInput
    ) -> WebhookDeliveryPayload | None:
        """Try a delivery again."""
        context = info.context
        id = row_id("WebhookDelivery", input.id)
        delivery = await retry_delivery(context.session, delivery_id=id, now=context.now)
        return WebhookDeliveryPayload(delivery=shown_as(WebhookDeliveryNode, delivery))

    @mutation(permission="webhooks:manage", description="Send the events of a period again, under the same ids.")
    async def webhook_replay(
        self, info: Info[RequestContext, None], input: WebhookReplayInput
    ) -> WebhookReplayPayload | None:
        """Send the events of a period again."""
        context = info.context
        webhook, queued = await replay_events(
            context.session,
            webhook_id=row_id("Webhook", input.id),
            since=input.since,
            until=input.until,
            only_dead=input.only_dead,
            now=context.now,
        )
        return WebhookReplayPayload(webhook=shown_as(WebhookNode, webhook), queued=queued)
