"""Tables of the outbox."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import JsonColumn, Table, UtcDateTime, new_id

__all__ = ["Event", "EventDelivery"]


class Event(Table, table=True):
    """Something that changed, written in the transaction that changed it."""

    __tablename__ = "core_event"
    __table_args__ = (
        Index(
            "ix_core_event_waiting",
            "id",
            sqlite_where=text("dispatched_at IS NULL"),
            postgresql_where=text("dispatched_at IS NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    type: str = Field(sa_column_kwargs=pii("none"))
    subject: str = Field(index=True, sa_column_kwargs=pii("identifier"))
    actor: str = Field(sa_column_kwargs=pii("staff"))
    data: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("document"))
    occurred_at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime, index=True)
    dispatched_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class EventDelivery(Table, table=True):
    """A handler that has not taken an event yet: when it is tried next, and why it failed the last time.

    Without ``next_at`` and with ``failed_at`` it was given up.
    """

    __tablename__ = "core_event_delivery"
    __table_args__ = (Index("ix_core_event_delivery_waiting", "handler", "next_at", "event_id"),)

    event_id: UUID = Field(foreign_key="core_event.id", ondelete="CASCADE", primary_key=True)
    handler: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    attempts: int = 0
    next_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    problem: str | None = Field(default=None, sa_column_kwargs=pii("free_text"))
