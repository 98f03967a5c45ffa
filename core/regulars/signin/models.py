"""The table of who is who at the identity provider."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import Table, UtcDateTime, new_id

__all__ = ["StaffIdentity"]


class StaffIdentity(Table, table=True):
    """Under which subject an issuer knows a staff member; it never calls two people the same."""

    __tablename__ = "core_staff_identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    staff_member_id: UUID = Field(foreign_key="core_staff_member.id", index=True)
    issuer: str = Field(sa_column_kwargs=pii("none"))
    subject: str = Field(sa_column_kwargs=pii("staff"))
    created_at: datetime = Field(sa_type=UtcDateTime)
