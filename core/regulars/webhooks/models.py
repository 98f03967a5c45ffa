"""Tables of webhooks: where events go, under which secrets, and how each delivery went."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import JsonColumn, Table, UtcDateTime, new_id

__all__ = ["DEAD", "SUCCEEDED", "WAITING", "Webhook", "WebhookAttempt", "WebhookDelivery", "WebhookSecret"]

WAITING = "WAITING"
SUCCEEDED = "SUCCEEDED"
DEAD = "DEAD"


class Webhook(Table, table=True):
    """An address that is told of events of some types.

    ``event_types`` holds types, and beginnings of types such as ``customer.*``. Without ``disabled_at`` it is enabled.
    ``failing_since`` is when the first attempt failed after the last that went well.
    """

    __tablename__ = "core_webhook"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    url: str = Field(sa_column_kwargs=pii("none"))
    description: str | None = Field(default=None, sa_column_kwargs=pii("free_text"))
    event_types: list[Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("none"))
    version: int = 1
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    disabled_reason: str | None = Field(default=None, sa_column_kwargs=pii("free_text"))


class WebhookSecret(Table, table=True):
    """A secret under which deliveries are signed: only its name, from which the server derives it.

    Without ``expires_at`` it is the newest one.
    """

    __tablename__ = "core_webhook_secret"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    webhook_id: UUID = Field(foreign_key="core_webhook.id", ondelete="CASCADE", index=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class WebhookDelivery(Table, table=True):
    """One event on its way to one webhook.

    ``attempts`` only grows and tells which attempt may still write its outcome; ``attempts_before`` is how many there
    were when somebody asked to try it all over again.
    """

    __tablename__ = "core_webhook_delivery"
    __table_args__ = (
        UniqueConstraint("event_id", "webhook_id"),
        Index("ix_core_webhook_delivery_webhook_id_created_at", "webhook_id", "created_at"),
        Index(
            "ix_core_webhook_delivery_waiting",
            "webhook_id",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    webhook_id: UUID = Field(foreign_key="core_webhook.id", ondelete="CASCADE")
    event_id: UUID = Field(foreign_key="core_event.id", ondelete="CASCADE")
    event_type: str = Field(sa_column_kwargs=pii("none"))
    status: str = Field(default=WAITING, sa_column_kwargs=pii("none"))
    attempts: int = 0
    attempts_before: int = 0
    created_at: datetime = Field(sa_type=UtcDateTime)
    next_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    status_code: int | None = None
    problem: str | None = Field(default=None, sa_column_kwargs=pii("free_text"))


class WebhookAttempt(Table, table=True):
    """One request of a delivery; without ``ended_at`` nobody knows how it went."""

    __tablename__ = "core_webhook_attempt"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    delivery_id: UUID = Field(foreign_key="core_webhook_delivery.id", ondelete="CASCADE", index=True)
    number: int
    started_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    status_code: int | None = None
    problem: str | None = Field(default=None, sa_column_kwargs=pii("free_text"))
