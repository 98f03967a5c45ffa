"""The tables of service cases and of who is held out.

``customer_id`` is whose it is today, ``profile_id`` for whom it was recorded: a merge moves the first.
"""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from regulars import Table, UtcDateTime, new_id

__all__ = ["TABLES", "Holdout", "ServiceCase"]


class Kept(Table):
    """What every table has."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    customer_id: UUID = Field(foreign_key="core_customer.id", ondelete="CASCADE", index=True)
    profile_id: UUID


class Holdout(Kept, table=True):
    """An experiment that holds the customer out."""

    __tablename__ = "cases_and_holdouts_holdout"

    experiment: str


class ServiceCase(Kept, table=True):
    """A service case; ``answer`` is what the customer said to the follow-up: ``solved`` or ``not_solved``."""

    __tablename__ = "cases_and_holdouts_case"

    case_id: str
    opened_at: datetime = Field(sa_type=UtcDateTime)
    solved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reopened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    followup_sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answer: str | None = None


TABLES = (Holdout, ServiceCase)
