"""The tables that the questions are about, for SQLAlchemy."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Numeric
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["Clv", "Consent", "Customer", "Identity", "Touchpoint"]

MOMENT = DateTime(timezone=True)


class _Table(DeclarativeBase):
    pass


class Customer(_Table):
    __tablename__ = "core_customer"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    display_name: Mapped[str | None]
    language: Mapped[str | None]
    time_zone: Mapped[str | None]
    jurisdiction: Mapped[str | None]
    status: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(MOMENT)


class Identity(_Table):
    __tablename__ = "core_customer_identity"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("core_customer.id"))
    value: Mapped[str]


class Touchpoint(_Table):
    __tablename__ = "core_touchpoint"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("core_customer.id"))
    profile_id: Mapped[UUID]
    type: Mapped[str]
    channel: Mapped[str | None]
    occurred_at: Mapped[datetime] = mapped_column(MOMENT)
    received_at: Mapped[datetime] = mapped_column(MOMENT)
    source: Mapped[str]
    external_id: Mapped[str | None]
    amount: Mapped[Decimal | None] = mapped_column(Numeric(19, 4))
    currency: Mapped[str | None]


class Consent(_Table):
    __tablename__ = "core_consent_state"
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("core_customer.id"), primary_key=True)
    purpose: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    since: Mapped[datetime] = mapped_column(MOMENT)


class Clv(_Table):
    __tablename__ = "clv_score"
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("core_customer.id"), primary_key=True)
    value: Mapped[Decimal | None] = mapped_column(Numeric(19, 4))
    currency: Mapped[str]
    tier: Mapped[str | None]
    model_version: Mapped[str]
    as_of: Mapped[datetime] = mapped_column(MOMENT)
