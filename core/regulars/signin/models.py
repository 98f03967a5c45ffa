"""Tables of who is who at the identity provider, and of browsers that are signed in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import Table, UtcDateTime, new_id

__all__ = ["StaffIdentity", "StaffSession"]


class StaffIdentity(Table, table=True):
    """Under which subject an issuer knows a staff member; it never calls two people the same."""

    __tablename__ = "core_staff_identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    staff_member_id: UUID = Field(foreign_key="core_staff_member.id", index=True)
    issuer: str = Field(sa_column_kwargs=pii("none"))
    subject: str = Field(sa_column_kwargs=pii("staff"))
    created_at: datetime = Field(sa_type=UtcDateTime)


class StaffSession(Table, table=True):
    """A browser in which a staff member is signed in, or whoever typed a key; of its token only a hash is kept."""

    __tablename__ = "core_staff_session"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    hash: str = Field(unique=True, sa_column_kwargs=pii("hash"))
    staff_member_id: UUID | None = Field(default=None, foreign_key="core_staff_member.id", index=True)
    key_id: UUID | None = Field(default=None, foreign_key="core_api_key.id", index=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
