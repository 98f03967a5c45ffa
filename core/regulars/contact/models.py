"""Tables of contact: the company's policies, decisions as they were made, and the slots that contacts take."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import JsonColumn, Table, UtcDateTime, new_id

__all__ = [
    "ContactAudience",
    "ContactDecision",
    "ContactPolicyVersion",
    "ContactTouch",
    "ContactVerdict",
    "ZoneCandidate",
]


class ContactPolicyVersion(Table, table=True):
    """What the company decided about contacts; a change is a new row, and the highest number holds."""

    __tablename__ = "core_contact_policy"

    number: int = Field(primary_key=True)
    version: str = Field(unique=True, sa_column_kwargs=pii("none"))
    content: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("none"))
    reason: str = Field(sa_column_kwargs=pii("free_text"))
    actor: str = Field(sa_column_kwargs=pii("staff"))
    created_at: datetime = Field(sa_type=UtcDateTime)


class ContactDecision(Table, table=True):
    """One decision as it was made, with all that is needed to make it again: it is never changed afterwards.

    ``needs`` is which rules were asked, and what they knew. The address that was asked about is not
    kept. ``customer_id`` is None where nobody has the id that was asked about; it follows merges, ``profile_id`` stays.
    """

    __tablename__ = "core_contact_decision"
    __table_args__ = (Index("ix_core_contact_decision_history", "customer_id", "decided_at", "id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    customer_id: UUID | None = Field(default=None, foreign_key="core_customer.id")
    profile_id: UUID | None = Field(default=None, foreign_key="core_customer.id")
    step: str = Field(sa_column_kwargs=pii("none"))
    decided_at: datetime = Field(sa_type=UtcDateTime, index=True)
    channel: str = Field(sa_column_kwargs=pii("none"))
    contact_class: str = Field(sa_column_kwargs=pii("none"))
    purpose: str = Field(sa_column_kwargs=pii("none"))
    topic: str = Field(sa_column_kwargs=pii("none"))
    campaign: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    request: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("document"))
    outcome: str = Field(sa_column_kwargs=pii("none"))
    rule: str = Field(sa_column_kwargs=pii("none"))
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    wake_on: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    blockers: list[Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("document"))
    evidence: list[Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("document"))
    policy_version: str = Field(sa_column_kwargs=pii("none"))
    tzdata_version: str = Field(sa_column_kwargs=pii("none"))
    is_zone_assumed: bool = False
    needs: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("document"))
    actor: str = Field(sa_column_kwargs=pii("staff"))


class ContactTouch(Table, table=True):
    """A contact that took a slot: first reserved, then confirmed when the send starts, then what became of it.

    ``state`` is ``reserved``, ``confirmed``, ``sent``, ``bounced``, ``failed``, ``unknown``, ``released`` or
    ``expired``. Caps count every state but the last two, and a reservation until it expires. ``at`` is when the slot
    was taken, from the confirm on when the send started. ``is_over_cap`` marks what was handed over without a slot.
    """

    __tablename__ = "core_contact_touch"
    __table_args__ = (
        Index("ix_core_contact_touch_slots", "customer_id", "at"),
        Index(
            "uq_core_contact_touch_key",
            "actor",
            "idempotency_key",
            unique=True,
            sqlite_where=text("idempotency_key IS NOT NULL"),
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    customer_id: UUID = Field(foreign_key="core_customer.id")
    profile_id: UUID = Field(foreign_key="core_customer.id")
    decision_id: UUID | None = Field(default=None, foreign_key="core_contact_decision.id")
    state: str = Field(sa_column_kwargs=pii("none"))
    at: datetime = Field(sa_type=UtcDateTime)
    reserved_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    channel: str = Field(sa_column_kwargs=pii("none"))
    contact_class: str = Field(sa_column_kwargs=pii("none"))
    purpose: str = Field(sa_column_kwargs=pii("none"))
    topic: str = Field(sa_column_kwargs=pii("none"))
    campaign: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    request: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("document"))
    request_digest: str = Field(sa_column_kwargs=pii("hash"))
    idempotency_key: str | None = Field(default=None, sa_column_kwargs=pii("free_text"))
    is_over_cap: bool = False
    actor: str = Field(sa_column_kwargs=pii("staff"))


class ZoneCandidate(Table, table=True):
    """A time zone in which a customer may be whose own is not known; whatever is late in one of them is late.

    ``provenance`` is ``observed``, ``inferred`` or ``imported``, and ``source`` says by whom: what a source tells
    replaces what it told before. ``noted_at`` is when that was.
    """

    __tablename__ = "core_zone_candidate"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    customer_id: UUID = Field(foreign_key="core_customer.id", index=True)
    profile_id: UUID = Field(foreign_key="core_customer.id")
    time_zone: str = Field(sa_column_kwargs=pii("fact"))
    provenance: str = Field(default="imported", sa_column_kwargs=pii("none"))
    source: str = Field(default="", sa_column_kwargs=pii("none"))
    noted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ContactAudience(Table, table=True):
    """A question about many customers at once, answered in the background; ``counts`` are there once it is done.

    It is about ``customer_ids``, about a ``segment`` as its filters were then, with who asked, or about all customers.
    """

    __tablename__ = "core_contact_audience"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    asked_at: datetime = Field(sa_type=UtcDateTime)
    request: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("none"))
    customer_ids: list[Any] | None = Field(default=None, sa_type=JsonColumn, sa_column_kwargs=pii("document"))
    segment: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn, sa_column_kwargs=pii("document"))
    policy_version: str = Field(sa_column_kwargs=pii("none"))
    counts: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn, sa_column_kwargs=pii("none"))
    actor: str = Field(sa_column_kwargs=pii("staff"))


class ContactVerdict(Table, table=True):
    """What came out for one customer of an audience: the outcome, the rule that is the reason, and until when.

    There are a million at a time, and a foreign key or a second index would cost as much as the decision, so there is
    none: who looks for a customer looks in each audience, of which there are few.
    """

    __tablename__ = "core_contact_verdict"
    __table_args__ = ({"sqlite_with_rowid": False, "info": {"parts_of": "core_contact_audience"}},)

    audience_id: UUID = Field(primary_key=True)
    customer_id: UUID = Field(primary_key=True)
    outcome: str = Field(sa_column_kwargs=pii("none"))
    rule: str = Field(sa_column_kwargs=pii("none"))
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)
