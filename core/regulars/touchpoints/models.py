"""The table of touchpoints."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import Amount, JsonColumn, Table, UtcDateTime, new_id

__all__ = ["Touchpoint"]


class Touchpoint(Table, table=True):
    """Something that happened between a customer and the company; it is never changed afterwards.

    ``customer_id`` is whose timeline it stands in today, ``profile_id`` whom it was recorded for: a merge moves
    the first, so that an unmerge knows the way back. A refund has a negative amount. ``cost`` is the cost to serve.
    """

    __tablename__ = "core_touchpoint"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("ix_core_touchpoint_timeline", "customer_id", "occurred_at", "id"),
        Index("ix_core_touchpoint_type_occurred_at", "type", "occurred_at"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    customer_id: UUID = Field(foreign_key="core_customer.id")
    profile_id: UUID = Field(foreign_key="core_customer.id")
    type: str = Field(sa_column_kwargs=pii("none"))
    channel: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    occurred_at: datetime = Field(sa_type=UtcDateTime)
    received_at: datetime = Field(sa_type=UtcDateTime)
    amount: Decimal | None = Field(default=None, sa_type=Amount)
    currency: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    cost: Decimal | None = Field(default=None, sa_type=Amount)
    source: str = Field(sa_column_kwargs=pii("none"))
    external_id: str | None = Field(default=None, sa_column_kwargs=pii("identifier"))
    payload: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn, sa_column_kwargs=pii("document"))
