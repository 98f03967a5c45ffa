"""Tables of the suppression list."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import Table, UtcDateTime, new_id

__all__ = ["SuppressedIdentity", "Suppression"]

STANDS_FOR_ADDRESS = text("address_hash IS NOT NULL AND lifted_at IS NULL")
STANDS_FOR_CUSTOMER = text("profile_id IS NOT NULL AND lifted_at IS NULL")


class Suppression(Table, table=True):
    """An address, or a customer, to be left alone for a reason; it stands until it is lifted.

    Either ``address_hash`` is set, a keyed hash that outlives what is known of its owner, or ``customer_id`` is. A
    merge moves ``customer_id``; ``profile_id`` stays for whom it was recorded.
    """

    __tablename__ = "core_suppression"
    __table_args__ = (
        Index(
            "uq_core_suppression_address",
            "address_hash",
            "kind",
            "channel",
            unique=True,
            sqlite_where=STANDS_FOR_ADDRESS,
            postgresql_where=STANDS_FOR_ADDRESS,
        ),
        Index(
            "uq_core_suppression_profile",
            "profile_id",
            "kind",
            "channel",
            unique=True,
            sqlite_where=STANDS_FOR_CUSTOMER,
            postgresql_where=STANDS_FOR_CUSTOMER,
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: str = Field(sa_column_kwargs=pii("none"))
    channel: str = Field(default="*", sa_column_kwargs=pii("none"))
    address_hash: str | None = Field(default=None, sa_column_kwargs=pii("hash"))
    customer_id: UUID | None = Field(default=None, foreign_key="core_customer.id", index=True)
    profile_id: UUID | None = Field(default=None, foreign_key="core_customer.id")
    reason: str = Field(sa_column_kwargs=pii("free_text"))
    actor: str = Field(sa_column_kwargs=pii("staff"))
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
    lifted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lifted_by: str | None = Field(default=None, sa_column_kwargs=pii("staff"))
    lift_reason: str | None = Field(default=None, sa_column_kwargs=pii("free_text"))


class SuppressedIdentity(Table, table=True):
    """A name of a customer that is on the list, so that statements over customers need no hashes."""

    __tablename__ = "core_suppressed_identity"

    suppression_id: UUID = Field(foreign_key="core_suppression.id", ondelete="CASCADE", primary_key=True)
    identity_id: UUID = Field(foreign_key="core_customer_identity.id", ondelete="CASCADE", primary_key=True, index=True)
