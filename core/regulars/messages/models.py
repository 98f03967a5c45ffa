"""The table of messages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import JsonColumn, Table, UtcDateTime, new_id

__all__ = ["Message"]


class Message(Table, table=True):
    """Something that is to be sent, or was: one row for each source and key.

    ``state`` is ``pending``, ``deferred``, ``sending``, ``sent``, ``bounced``, ``failed``, ``suppressed``, ``unknown``
    or ``cancelled``. What is ``sending`` was confirmed and may be on its way; ``unknown`` may have arrived or not, and
    is never sent again.

    ``id`` is the key under which a delivery takes it once. ``customer_id`` follows merges and is None for a mail that
    proves an address of nobody yet. ``request`` is what the contact decision is asked, ``payload`` what the template is
    filled with. ``next_at`` is when the dispatcher looks at it: None at the end, and while it waits for the event
    ``wake_on``. ``turn`` grows whenever a dispatcher takes it, so that only the last one may write how it went.
    """

    __tablename__ = "core_message"
    __table_args__ = (
        UniqueConstraint("source", "key"),
        Index(
            "ix_core_message_due",
            "next_at",
            "id",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
        Index("ix_core_message_history", "customer_id", "created_at", "id"),
        Index(
            "ix_core_message_asleep",
            "wake_on",
            "customer_id",
            sqlite_where=text("wake_on IS NOT NULL"),
            postgresql_where=text("wake_on IS NOT NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    customer_id: UUID | None = Field(default=None, foreign_key="core_customer.id")
    profile_id: UUID | None = Field(default=None, foreign_key="core_customer.id")
    source: str = Field(sa_column_kwargs=pii("none"))
    key: str = Field(sa_column_kwargs=pii("free_text"))
    digest: str = Field(sa_column_kwargs=pii("hash"))
    channel: str = Field(sa_column_kwargs=pii("none"))
    contact_class: str = Field(sa_column_kwargs=pii("none"))
    topic: str = Field(sa_column_kwargs=pii("none"))
    campaign: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    template: str = Field(sa_column_kwargs=pii("none"))
    address: str | None = Field(default=None, sa_column_kwargs=pii("address"))
    language: str | None = Field(default=None, sa_column_kwargs=pii("fact"))
    request: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("document"))
    payload: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("document"))
    state: str = Field(default="pending", sa_column_kwargs=pii("none"))
    rule: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    reason: str | None = Field(default=None, sa_column_kwargs=pii("free_text"))
    wake_on: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    next_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    turn: int = 0
    attempts: int = 0
    delivery: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    reservation_id: UUID | None = Field(default=None, foreign_key="core_contact_touch.id")
    decision_id: UUID | None = Field(default=None, foreign_key="core_contact_decision.id")
    provider_id: str | None = Field(default=None, sa_column_kwargs=pii("identifier"))
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
    handed_over_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
