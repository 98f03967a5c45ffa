"""Tables of fitted models and of what each customer is worth."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import Field

from regulars import Amount, JsonColumn, Table, UtcDateTime, new_id, pii

__all__ = ["ClvModel", "ClvPastScore", "ClvScore", "ClvStagedScore", "ScoreColumns"]


class ClvModel(Table, table=True):
    """One fit: never changed, so that a score can always be explained by the parameters behind it."""

    __tablename__ = "clv_model"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: str = Field(unique=True, sa_column_kwargs=pii("none"))
    name: str = Field(sa_column_kwargs=pii("none"))
    currency: str = Field(sa_column_kwargs=pii("none"))
    data_until: datetime = Field(sa_type=UtcDateTime)
    customers: int
    repeaters: int
    log_likelihood: float
    is_degenerate: bool
    report: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("none"))
    settings: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("none"))
    warnings: list[Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("none"))
    fitted_at: datetime = Field(sa_type=UtcDateTime, index=True)
    activated_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ScoreColumns(Table):
    """What is said of one customer; amounts are in ``currency``, ``p_alive`` of None means that it cannot be told.

    ``as_of`` is when the purchases behind it were read.
    """

    currency: str = Field(sa_column_kwargs=pii("none"))
    value: Decimal | None = Field(default=None, sa_type=Amount)
    low: Decimal | None = Field(default=None, sa_type=Amount)
    high: Decimal | None = Field(default=None, sa_type=Amount)
    level: float
    past_profit: Decimal = Field(sa_type=Amount)
    acquisition_cost: Decimal | None = Field(default=None, sa_type=Amount)
    net_value: Decimal | None = Field(default=None, sa_type=Amount)
    tier: str | None = Field(default=None, sa_column_kwargs=pii("fact"))
    percentile: float | None = None
    p_alive: float | None = None
    expected_orders: float
    expected_order_value: Decimal | None = Field(default=None, sa_type=Amount)
    horizon_months: int
    discount_rate: Decimal = Field(sa_type=Amount)
    is_overdue: bool = False
    model_version: str = Field(sa_column_kwargs=pii("none"))
    as_of: datetime = Field(sa_type=UtcDateTime)
    warnings: list[Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("none"))


class ClvScore(ScoreColumns, table=True):
    """What holds for a customer now; ``is_stale`` once something happened that the model has not seen."""

    __tablename__ = "clv_score"

    customer_id: UUID = Field(foreign_key="core_customer.id", ondelete="CASCADE", primary_key=True)
    value: Decimal | None = Field(default=None, sa_type=Amount, index=True)
    tier: str | None = Field(default=None, index=True, sa_column_kwargs=pii("fact"))
    is_stale: bool = False


class ClvPastScore(Table, table=True):
    """What was said of a customer last in a month, ``2026-03``, so that they can see how it changed."""

    __tablename__ = "clv_past_score"

    customer_id: UUID = Field(foreign_key="core_customer.id", ondelete="CASCADE", primary_key=True)
    month: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    currency: str = Field(sa_column_kwargs=pii("none"))
    low: Decimal | None = Field(default=None, sa_type=Amount)
    high: Decimal | None = Field(default=None, sa_type=Amount)
    horizon_months: int
    model_version: str = Field(sa_column_kwargs=pii("none"))
    as_of: datetime = Field(sa_type=UtcDateTime)


class ClvStagedScore(ScoreColumns, table=True):
    """A score of a run that has not ended: a killed run leaves the old scores in force."""

    __tablename__ = "clv_staged_score"

    run: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    customer_id: UUID = Field(foreign_key="core_customer.id", ondelete="CASCADE", primary_key=True)
