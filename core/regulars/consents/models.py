"""The ledger of consents, and what stands in it today."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import Table, UtcDateTime, new_id

__all__ = ["ConsentEvent", "ConsentState", "GpcSignal"]


class ConsentEvent(Table, table=True):
    """One grant or withdrawal over a scope; the database refuses to change or delete it.

    ``at`` is when it holds from, ``recorded_at`` when we learned of it. ``profile_id`` is whom it was recorded for;
    ``customer_id`` follows merges and is the one column that may change. The reason and the evidence lie in
    ``core_ledger_words``, of which ``words_hmac`` is the digest; ``is_proven`` says that there was evidence.
    """

    __tablename__ = "core_consent_event"
    __table_args__ = (Index("ix_core_consent_event_history", "customer_id", "recorded_at", "id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    customer_id: UUID = Field(foreign_key="core_customer.id")
    profile_id: UUID = Field(foreign_key="core_customer.id")
    action: str = Field(sa_column_kwargs=pii("none"))
    purpose: str = Field(sa_column_kwargs=pii("none"))
    channel: str = Field(sa_column_kwargs=pii("none"))
    topic: str = Field(sa_column_kwargs=pii("none"))
    at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime, index=True)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    actor: str = Field(sa_column_kwargs=pii("staff"))
    origin: str = Field(default="customer", sa_column_kwargs=pii("none"))
    basis: str = Field(default="express", sa_column_kwargs=pii("none"))
    recipient: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    session: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    needs_confirmation: bool = False
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    confirms_id: UUID | None = Field(default=None, foreign_key="core_consent_event.id", index=True)
    is_proven: bool = False
    notice_version: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    language: str | None = Field(default=None, sa_column_kwargs=pii("fact"))
    text_sha256: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    words_hmac: str | None = Field(default=None, sa_column_kwargs=pii("hash"))


class ConsentState(Table, table=True):
    """What stands in each scope that a customer's ledger names, kept beside it so that reading it is one look-up.

    ``status`` is ``granted``, ``withdrawn``, ``pending`` (waits for the customer's confirmation), ``expired`` or
    ``none`` (a grant that does not count). A ``granted`` row is expired from ``expires_at`` on. ``event_id`` is what
    decided, be it a wider withdrawal.
    """

    __tablename__ = "core_consent_state"
    __table_args__ = (Index("ix_core_consent_state_scope", "purpose", "channel", "topic", "status"),)

    customer_id: UUID = Field(foreign_key="core_customer.id", primary_key=True)
    purpose: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    channel: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    topic: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    status: str = Field(sa_column_kwargs=pii("fact"))
    since: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = Field(sa_column_kwargs=pii("none"))
    event_id: UUID = Field(foreign_key="core_consent_event.id")


class GpcSignal(Table, table=True):
    """A browser of a customer who was signed in asked for no sharing; the first signal counts, later ones are kept."""

    __tablename__ = "core_gpc_signal"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    customer_id: UUID = Field(foreign_key="core_customer.id", index=True)
    profile_id: UUID = Field(foreign_key="core_customer.id")
    at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
