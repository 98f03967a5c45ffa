"""Tables of the links by which customers come in, and of the sessions that these open."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import Table, UtcDateTime, new_id

__all__ = ["CustomerSession", "MagicLink"]


class MagicLink(Table, table=True):
    """A link that was sent to an address of a customer, of which only a keyed hash is kept.

    ``address_hash`` says to which address, so that the link is void when the customer loses that.
    """

    __tablename__ = "core_magic_link"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    customer_id: UUID = Field(foreign_key="core_customer.id", index=True)
    token_hash: str = Field(unique=True, sa_column_kwargs=pii("hash"))
    address_hash: str = Field(sa_column_kwargs=pii("hash"))
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    superseded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class CustomerSession(Table, table=True):
    """A customer's visit to their own page, opened by a magic link; only a keyed hash of its token is kept."""

    __tablename__ = "core_customer_session"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    customer_id: UUID = Field(foreign_key="core_customer.id", index=True)
    link_id: UUID = Field(foreign_key="core_magic_link.id", unique=True)
    token_hash: str = Field(unique=True, sa_column_kwargs=pii("hash"))
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
