"""Tables of messages that were taken in lately, and of those that were rejected."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import JsonColumn, Table, UtcDateTime, new_id

__all__ = ["RejectedMessage", "TakenMessage"]


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
