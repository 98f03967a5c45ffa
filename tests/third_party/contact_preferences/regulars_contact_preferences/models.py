"""The tables of what stands against contacts.

``customer_id`` is whose it is today, ``profile_id`` for whom it was recorded: a merge moves the first.
"""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from regulars import Table, UtcDateTime, new_id

__all__ = ["TABLES", "Alert", "Cap", "ChannelChoice", "Holdout", "HoursConsent", "Pause", "QuietHours", "ServiceCase"]


class Kept(Table):
    """What every table has."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    customer_id: UUID = Field(foreign_key="core_customer.id", ondelete="CASCADE", index=True)
    profile_id: UUID


class Pause(Kept, table=True):
    """No contacts for a while, or until the pause is lifted."""

    __tablename__ = "contact_preferences_pause"

    channel: str = "*"
    topic: str = "*"
    starts_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class QuietHours(Kept, table=True):
    """A stretch of each day, by the clock on the wall, in which the customer wants no contact by any channel."""

    __tablename__ = "contact_preferences_quiet_hours"

    start: str
    end: str


class ChannelChoice(Kept, table=True):
    """Whether the customer has a channel on or off."""

    __tablename__ = "contact_preferences_channel"

    channel: str
    is_on: bool


class Alert(Kept, table=True):
    """Something that the customer wants to be told about."""

    __tablename__ = "contact_preferences_alert"

    topic: str
    ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Cap(Kept, table=True):
    """How often the customer wants to be contacted at most."""

    __tablename__ = "contact_preferences_cap"

    limit: int | None = None
    window_h: int
    channel: str = "*"
    topic: str = "*"


class HoursConsent(Kept, table=True):
    """The customer may be contacted by a channel outside the legal hours."""

    __tablename__ = "contact_preferences_hours_consent"

    channel: str


class Holdout(Kept, table=True):
    """An experiment that holds the customer out."""

    __tablename__ = "contact_preferences_holdout"

    experiment: str


class ServiceCase(Kept, table=True):
    """A service case; ``answer`` is what the customer said to the follow-up: ``solved`` or ``not_solved``."""

    __tablename__ = "contact_preferences_case"

    case_id: str
    opened_at: datetime = Field(sa_type=UtcDateTime)
    solved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reopened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    followup_sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answer: str | None = None


TABLES = (Pause, QuietHours, ChannelChoice, Alert, Cap, HoursConsent, Holdout, ServiceCase)
