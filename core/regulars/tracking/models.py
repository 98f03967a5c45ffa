"""Tables of messages that were taken in lately, of those that were rejected, and of what events mean."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import JsonColumn, Table, UtcDateTime, new_id

__all__ = ["MappedEvent", "MappedField", "RejectedMessage", "TakenMessage"]


class TakenMessage(Table, table=True):
    """A message that left no touchpoint, kept for a while so that sending it again does nothing."""

    __tablename__ = "core_tracking_message"

    source: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    message_id: str = Field(primary_key=True, sa_column_kwargs=pii("identifier"))
    received_at: datetime = Field(sa_type=UtcDateTime, index=True)


class RejectedMessage(Table, table=True):
    """A message that could not be kept, and why.

    ``masked`` is its shape, which staff may see. ``body`` is all of it, which nobody sees: it waits to be taken in
    again and is gone once that was done. It is None where that would never help.
    """

    __tablename__ = "core_tracking_rejection"
    __table_args__ = (Index("ix_core_tracking_rejection_source", "source", "received_at"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    source: str = Field(sa_column_kwargs=pii("none"))
    message_id: str | None = Field(default=None, sa_column_kwargs=pii("identifier"))
    type: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    code: str = Field(sa_column_kwargs=pii("none"))
    reason: str = Field(sa_column_kwargs=pii("free_text"))
    masked: Any = Field(default=None, sa_type=JsonColumn, nullable=True, sa_column_kwargs=pii("document"))
    body: Any = Field(default=None, sa_type=JsonColumn, nullable=True, sa_column_kwargs=pii("document"))
    received_at: datetime = Field(sa_type=UtcDateTime, index=True)
    replayed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class MappedEvent(Table, table=True):
    """What an event of a source means: the type of touchpoint, and in which properties its parts come.

    The amount stands in the first of ``amount_properties`` that a message has. Currency and channel come from a
    property, and where that is missing they are always the same. Without ``external_id_property`` the touchpoint is
    named by the message's id.
    """

    __tablename__ = "core_tracking_event"
    __table_args__ = (UniqueConstraint("source", "event"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    source: str = Field(sa_column_kwargs=pii("none"))
    event: str = Field(sa_column_kwargs=pii("none"))
    type: str = Field(sa_column_kwargs=pii("none"))
    amount_properties: list[Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("none"))
    currency_property: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    currency: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    channel_property: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    channel: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    external_id_property: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    version: int = 1
    updated_at: datetime = Field(sa_type=UtcDateTime)


class MappedField(Table, table=True):
    """From which property a field of the touchpoint's payload comes; with ``times``, multiplied by another one."""

    __tablename__ = "core_tracking_event_field"

    event_id: UUID = Field(foreign_key="core_tracking_event.id", ondelete="CASCADE", primary_key=True)
    field: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    property: str = Field(sa_column_kwargs=pii("none"))
    times: str | None = Field(default=None, sa_column_kwargs=pii("none"))
