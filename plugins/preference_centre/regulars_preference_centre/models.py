"""Tables of what can be sent, and of what each customer wants.

``customer_id`` is whose a row is today, ``profile_id`` for whom it was written: a merge moves the first. Of two rows
that a merge brought together the narrower counts, and the customer's next choice replaces both.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field

from regulars import JsonColumn, Table, UtcDateTime, new_id, pii

__all__ = [
    "OWNED",
    "PAGE",
    "AlertRequest",
    "Announcement",
    "Answer",
    "Cap",
    "ChannelChoice",
    "Choices",
    "HoursConsent",
    "Pause",
    "Question",
    "Stop",
    "Stream",
]

CUSTOMER = "core_customer.id"
NOBODYS = pii("none")
FACT = pii("fact")
PAGE = "page"


class Stream(Table, table=True):
    """Something that can reach customers: a topic of the ledger, with its words in each language of the page."""

    __tablename__ = "preference_centre_stream"

    topic: str = Field(primary_key=True, sa_column_kwargs=NOBODYS)
    purpose: str = Field(sa_column_kwargs=NOBODYS)
    channels: list[str] = Field(sa_type=JsonColumn, sa_column_kwargs=NOBODYS)
    titles: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=NOBODYS)
    descriptions: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=NOBODYS)
    position: int = 0
    created_at: datetime = Field(sa_type=UtcDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Question(Table, table=True):
    """Something that a customer may tell: what stops them, what matters to them, or who they are.

    ``kind`` is ``roadblock``, ``matter`` or ``fact``; a matter belongs to a ``topic``. ``options`` are the values that
    can be chosen, each with its words in each language; without any the answer is free text.
    """

    __tablename__ = "preference_centre_question"

    key: str = Field(primary_key=True, sa_column_kwargs=NOBODYS)
    kind: str = Field(sa_column_kwargs=NOBODYS)
    topic: str | None = Field(default=None, sa_column_kwargs=NOBODYS)
    titles: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=NOBODYS)
    options: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=NOBODYS)
    position: int = 0
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Choices(Table, table=True):
    """A customer's choices as a whole: their version, and their own quiet hours, as times on the wall."""

    __tablename__ = "preference_centre_choices"

    profile_id: UUID = Field(primary_key=True)
    customer_id: UUID = Field(foreign_key=CUSTOMER, ondelete="CASCADE", index=True)
    version: int = 1
    quiet_from: str | None = Field(default=None, sa_column_kwargs=FACT)
    quiet_to: str | None = Field(default=None, sa_column_kwargs=FACT)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class HoursConsent(Table, table=True):
    """A channel by which the customer may be contacted outside the legal hours."""

    __tablename__ = "preference_centre_hours_consent"

    profile_id: UUID = Field(primary_key=True)
    channel: str = Field(primary_key=True, sa_column_kwargs=FACT)
    customer_id: UUID = Field(foreign_key=CUSTOMER, ondelete="CASCADE", index=True)
    given_at: datetime = Field(sa_type=UtcDateTime)


class ChannelChoice(Table, table=True):
    """A channel that a customer switched on or off."""

    __tablename__ = "preference_centre_channel"

    profile_id: UUID = Field(primary_key=True)
    channel: str = Field(primary_key=True, sa_column_kwargs=FACT)
    customer_id: UUID = Field(foreign_key=CUSTOMER, ondelete="CASCADE", index=True)
    is_on: bool
    changed_at: datetime = Field(sa_type=UtcDateTime)


class Cap(Table, table=True):
    """How often at most: ``most`` messages within ``window_h`` hours, on a channel and a topic, ``*`` being any.

    ``most`` of None means as often as the house does, 0 means never.
    """

    __tablename__ = "preference_centre_cap"

    profile_id: UUID = Field(primary_key=True)
    channel: str = Field(default="*", primary_key=True, sa_column_kwargs=FACT)
    topic: str = Field(default="*", primary_key=True, sa_column_kwargs=FACT)
    window_h: int = Field(primary_key=True)
    customer_id: UUID = Field(foreign_key=CUSTOMER, ondelete="CASCADE", index=True)
    most: int | None = None
    changed_at: datetime = Field(sa_type=UtcDateTime)


class Pause(Table, table=True):
    """A time during which a customer wants to hear nothing, until just before its end or, without one, until lifted."""

    __tablename__ = "preference_centre_pause"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    profile_id: UUID
    customer_id: UUID = Field(foreign_key=CUSTOMER, ondelete="CASCADE", index=True)
    channel: str = Field(default="*", sa_column_kwargs=FACT)
    topic: str = Field(default="*", sa_column_kwargs=FACT)
    begins_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lifted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)


class AlertRequest(Table, table=True):
    """Something that a customer waits for; ``topic`` is what an announced item must carry, or what its words make."""

    __tablename__ = "preference_centre_alert"
    __table_args__ = (
        Index(
            "ix_preference_centre_alert_waiting",
            "topic",
            "customer_id",
            sqlite_where=text("cancelled_at IS NULL"),
            postgresql_where=text("cancelled_at IS NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    profile_id: UUID
    customer_id: UUID = Field(foreign_key=CUSTOMER, ondelete="CASCADE", index=True)
    topic: str = Field(sa_column_kwargs=FACT)
    channel: str | None = Field(default=None, sa_column_kwargs=FACT)
    words: str = Field(sa_column_kwargs=pii("free_text"))
    ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    cancelled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    told_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Answer(Table, table=True):
    """What a customer told in answer to a question: always their own words, never what was seen or guessed.

    ``told_to`` is where: ``page``, or the label of whoever of the shop wrote it down.
    """

    __tablename__ = "preference_centre_answer"

    profile_id: UUID = Field(primary_key=True)
    key: str = Field(primary_key=True, sa_column_kwargs=NOBODYS)
    customer_id: UUID = Field(foreign_key=CUSTOMER, ondelete="CASCADE", index=True)
    value: str = Field(sa_column_kwargs=pii("free_text"))
    may_be_used: bool = False
    told_to: str = Field(default=PAGE, sa_column_kwargs=NOBODYS)
    told_at: datetime = Field(sa_type=UtcDateTime)


class Stop(Table, table=True):
    """A click on "stop everything", which the same browser can undo until ``undo_until``.

    ``event_id`` is the withdrawal in the ledger; of what the browser keeps only the hash is kept here.
    """

    __tablename__ = "preference_centre_stop"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    profile_id: UUID
    customer_id: UUID = Field(foreign_key=CUSTOMER, ondelete="CASCADE", index=True)
    event_id: UUID
    browser_hash: str = Field(unique=True, sa_column_kwargs=pii("hash"))
    stopped_at: datetime = Field(sa_type=UtcDateTime)
    undo_until: datetime = Field(sa_type=UtcDateTime)
    undone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Announcement(Table, table=True):
    """Something that arrived, told once to each customer who waits for it.

    ``last_customer_id`` and ``last_alert_id`` are how far the telling is, in the order of customers and wishes;
    ``ended_at`` is when all had been told.
    """

    __tablename__ = "preference_centre_announcement"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    key: str = Field(unique=True, sa_column_kwargs=NOBODYS)
    title: str = Field(sa_column_kwargs=NOBODYS)
    url: str = Field(sa_column_kwargs=NOBODYS)
    topics: list[str] = Field(sa_type=JsonColumn, sa_column_kwargs=NOBODYS)
    channel: str = Field(sa_column_kwargs=NOBODYS)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    announced_by: str = Field(sa_column_kwargs=NOBODYS)
    announced_at: datetime = Field(sa_type=UtcDateTime, index=True)
    told: int = 0
    last_customer_id: UUID | None = None
    last_alert_id: UUID | None = None
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


OWNED = (AlertRequest, Answer, Cap, ChannelChoice, Choices, HoursConsent, Pause, Stop)
"""The tables with rows about customers."""
