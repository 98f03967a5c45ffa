"""Tables of customers, of the names by which they are known, and of merges."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import JsonColumn, Table, UtcDateTime, new_id

__all__ = ["Customer", "CustomerIdentity", "CustomerMerge", "CustomerWord", "MergeSuggestion"]


class Customer(Table, table=True):
    """A person or company that may buy.

    ``merged_into_id`` names the customer as whom this one counts today, however many merges lie between them.
    """

    __tablename__ = "core_customer"
    __table_args__ = (
        Index("ix_core_customer_newest", "created_at", "id"),
        # Without the condition SQLite reads all that were never merged through it, and sorts them, for the newest 50.
        Index(
            "ix_core_customer_merged_into_id",
            "merged_into_id",
            sqlite_where=text("merged_into_id IS NOT NULL"),
            postgresql_where=text("merged_into_id IS NOT NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    display_name: str | None = Field(default=None, index=True, sa_column_kwargs=pii("name"))
    language: str | None = Field(default=None, sa_column_kwargs=pii("fact"))
    time_zone: str | None = Field(default=None, sa_column_kwargs=pii("fact"))
    jurisdiction: str | None = Field(default=None, sa_column_kwargs=pii("fact"))
    age: str = Field(default="unknown", sa_column_kwargs=pii("fact"))
    has_guardian_consent: bool = False
    status: str = Field(default="active", index=True, sa_column_kwargs=pii("fact"))
    version: int = 1
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    merged_into_id: UUID | None = Field(default=None, foreign_key="core_customer.id")


class CustomerIdentity(Table, table=True):
    """A name by which a customer is known: an address, a number, an id in another system.

    ``customer_id`` is who holds it today, ``profile_id`` for whom it was recorded: a merge moves the first. A verified
    name that is not retired has one owner; claims may be many. Names retire while their customer is deleted.
    """

    __tablename__ = "core_customer_identity"
    __table_args__ = (
        UniqueConstraint("profile_id", "kind", "source", "normalised"),
        Index(
            "uq_core_customer_identity_owner",
            "kind",
            "source",
            "normalised",
            unique=True,
            sqlite_where=text("verified_at IS NOT NULL AND retired_at IS NULL"),
            postgresql_where=text("verified_at IS NOT NULL AND retired_at IS NULL"),
        ),
        Index("ix_core_customer_identity_value", "normalised", "kind", "source"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    customer_id: UUID = Field(foreign_key="core_customer.id", index=True)
    profile_id: UUID = Field(foreign_key="core_customer.id")
    kind: str = Field(sa_column_kwargs=pii("none"))
    source: str = Field(default="", sa_column_kwargs=pii("none"))
    value: str = Field(sa_column_kwargs=pii("address"))
    normalised: str = Field(sa_column_kwargs=pii("address"))
    verified_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)


class CustomerMerge(Table, table=True):
    """Two customers that became one, with what is needed to part them again.

    ``before`` holds what stood in the survivor's own columns before and after the merge.
    """

    __tablename__ = "core_customer_merge"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    survivor_id: UUID = Field(foreign_key="core_customer.id", index=True)
    merged_id: UUID = Field(foreign_key="core_customer.id", index=True)
    merged_at: datetime = Field(sa_type=UtcDateTime)
    undone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    actor: str = Field(sa_column_kwargs=pii("staff"))
    reason: str = Field(sa_column_kwargs=pii("free_text"))
    before: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("document"))


class MergeSuggestion(Table, table=True):
    """Two customers who may be one, the smaller id first; a person decides."""

    __tablename__ = "core_merge_suggestion"
    __table_args__ = (UniqueConstraint("first_id", "second_id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    first_id: UUID = Field(foreign_key="core_customer.id")
    second_id: UUID = Field(foreign_key="core_customer.id", index=True)
    reason: str = Field(sa_column_kwargs=pii("free_text"))
    suggested_by: str = Field(sa_column_kwargs=pii("staff"))
    created_at: datetime = Field(sa_type=UtcDateTime)
    dismissed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class CustomerWord(Table, table=True):
    """A word of a customer's name or identities, for the search by the beginnings of words.

    The words are lower case and compared byte by byte, so that a beginning is a range of the index.
    """

    __tablename__ = "core_customer_word"

    word: str = Field(
        sa_type=String().with_variant(String(collation="C"), "postgresql"),
        primary_key=True,
        sa_column_kwargs=pii("name"),
    )
    customer_id: UUID = Field(foreign_key="core_customer.id", ondelete="CASCADE", primary_key=True, index=True)
