"""The table of privacy requests."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import JsonColumn, Table, UtcDateTime, new_id

__all__ = ["PrivacyRequest"]


class PrivacyRequest(Table, table=True):
    """What somebody asked about their own data, until when it must be done, and the proof that it was.

    ``customer_id`` stays when the customer is erased: their row keeps its id and nothing else. ``archive`` is the name
    of an export's file, ``checked_at`` when an erasure was last looked at again.
    """

    __tablename__ = "core_privacy_request"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: str = Field(sa_column_kwargs=pii("none"))
    status: str = Field(default="open", index=True, sa_column_kwargs=pii("none"))
    customer_id: UUID = Field(foreign_key="core_customer.id", index=True)
    reason: str = Field(sa_column_kwargs=pii("free_text"))
    actor: str = Field(sa_column_kwargs=pii("staff"))
    received_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime, index=True)
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
    completed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    checked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    problem: str | None = Field(default=None, sa_column_kwargs=pii("free_text"))
    certificate: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn, sa_column_kwargs=pii("none"))
    archive: str | None = Field(default=None, sa_column_kwargs=pii("none"))
