"""Webhooks in the API: where events go, and how each delivery and each attempt went."""

from datetime import datetime

import strawberry
from sqlmodel import col

from regulars.fields.declarations import Argument, column, connection, lookup, relation
from regulars.fields.ids import row_id
from regulars.fields.types import object_type
from regulars.fields.values import Connection, Node
from regulars.webhooks.models import Webhook, WebhookAttempt, WebhookDelivery, WebhookSecret

__all__ = ["WebhookDeliveryNode", "WebhookNode", "WebhookQueries", "WebhookSecretNode"]


@object_type(
    WebhookSecret,
    name="WebhookSecret",
    permission="webhooks:read",
    description="A secret under which deliveries are signed; its text is shown once, when it is made.",
)
class WebhookSecretNode:
    """A secret under which deliveries are signed."""

    created_at: datetime = column(WebhookSecret.created_at, description="When it was made.", sortable=True)
    expires_at: datetime | None = column(
        WebhookSecret.expires_at, description="When it stops signing; null for the newest."
    )


@object_type(
    WebhookAttempt, name="WebhookAttempt", permission="webhooks:read", description="One request of a delivery."
)
class WebhookAttemptNode:
    """One request of a delivery."""

    number: int = column(WebhookAttempt.number, description="Counts from 1.")
    started_at: datetime = column(WebhookAttempt.started_at, description="When it began.")
    ended_at: datetime | None = column(
        WebhookAttempt.ended_at, description="When it ended; null while it runs, and when the server died meanwhile."
    )
    status_code: int | None = column(WebhookAttempt.status_code, description="What the receiver answered.")
    problem: str | None = column(WebhookAttempt.problem, description="Why it failed, in a sentence.")


@object_type(
    WebhookDelivery,
    name="WebhookDelivery",
    permission="webhooks:read",
    description="One event on its way to one webhook.",
)
class WebhookDeliveryNode(Node):
    """One event on its way to one webhook."""

    id: strawberry.ID = column(WebhookDelivery.id, description="The global id.", is_global_id=True, filterable=True)
    event_id: str = column(WebhookDelivery.event_id, description="The event's id, which is sent as `webhook-id`.")
    event_type: str = column(WebhookDelivery.event_type, description="What happened.", filterable=True)
    status: str = column(
        WebhookDelivery.status,
        description="WAITING for an attempt, SUCCEEDED, or DEAD: given up, and kept to be sent again.",
        filterable=True,
    )
    attempts: int = column(WebhookDelivery.attempts, description="How often it was tried.", filterable=True)
    next_at: datetime | None = column(
        WebhookDelivery.next_at, description="When it is tried next; null at its end.", filterable=True, sortable=True
    )
    created_at: datetime = column(
        WebhookDelivery.created_at, description="When it was queued.", filterable=True, sortable=True
    )
    ended_at: datetime | None = column(WebhookDelivery.ended_at, description="When it was taken, or given up.")
    status_code: int | None = column(
        WebhookDelivery.status_code, description="What the receiver answered the last time.", filterable=True
    )
    problem: str | None = column(WebhookDelivery.problem, description="Why it failed the last time, in a sentence.")
    attempt_log: list[WebhookAttemptNode] = relation(
        WebhookAttempt.delivery_id,
        description="Every attempt, the oldest first.",
        order_by=[WebhookAttempt.number],
        assumed_size=10,
    )


@object_type(
    Webhook,
    name="Webhook",
    permission="webhooks:read",
    description="An address that is told what changed, by the rules of Standard Webhooks.",
)
class WebhookNode(Node):
    """An address that is told what changed."""

    id: strawberry.ID = column(Webhook.id, description="The global id.", is_global_id=True, filterable=True)
    url: str = column(Webhook.url, description="Where events are sent.", filterable=True, sortable=True)
    description: str | None = column(Webhook.description, description="What it is for.")
    event_types: list[str] = column(
        Webhook.event_types, description="What it is told of: types, `customer.*` for all that begin so, `*` for all."
    )
    is_enabled: bool = column(
        col(Webhook.disabled_at).is_(None), description="Whether anything is sent.", filterable=True
    )
    disabled_at: datetime | None = column(Webhook.disabled_at, description="Since when nothing is sent.")
    disabled_reason: str | None = column(Webhook.disabled_reason, description="Why nothing is sent, in a sentence.")
    failing_since: datetime | None = column(
        Webhook.failing_since,
        description="When the first attempt failed after the last that went well.",
        filterable=True,
    )
    version: int = column(Webhook.version, description="Grows with each change; give it as `expectedVersion`.")
    created_at: datetime = column(Webhook.created_at, description="When it was made.", sortable=True)
    updated_at: datetime = column(Webhook.updated_at, description="When it last changed.", sortable=True)
    secrets: list[WebhookSecretNode] = relation(
        WebhookSecret.webhook_id,
        description="The secrets under which it is signed, the newest first.",
        order_by=[col(WebhookSecret.created_at).desc()],
        assumed_size=2,
    )
    deliveries: Connection[WebhookDeliveryNode] = connection(
        WebhookDelivery.webhook_id,
        description="What was sent, or will be, the newest first.",
        order_by=[col(WebhookDelivery.created_at).desc()],
    )


@strawberry.type
class WebhookQueries:
    """What can be asked about webhooks."""

    webhook: WebhookNode | None = lookup(
        lambda given: col(Webhook.id) == row_id("Webhook", given.get("id") or ""),
        arguments={"id": Argument(strawberry.ID, "The global id, or the id in the database.")},
        permission="webhooks:read",
        description="One webhook; null when there is none.",
    )
    webhooks: Connection[WebhookNode] | None = connection(
        permission="webhooks:read", description="Webhooks, the newest first.", order_by=[col(Webhook.created_at).desc()]
    )
    webhook_deliveries: Connection[WebhookDeliveryNode] | None = connection(
        permission="webhooks:read",
        description='Deliveries to all webhooks, the newest first; `where: {status: {eq: "DEAD"}}` gives dead letters.',
        order_by=[col(WebhookDelivery.created_at).desc()],
    )
