"""Tables of staff members and of keys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import JsonColumn, Table, UtcDateTime, new_id

__all__ = ["ApiKey", "Secret", "StaffMember"]


class StaffMember(Table, table=True):
    """Somebody who works here; keys and sign-ins point to this row."""

    __tablename__ = "core_staff_member"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str = Field(sa_column_kwargs=pii("staff"))
    role: str = Field(sa_column_kwargs=pii("none"))
    manager_id: UUID | None = Field(default=None, foreign_key="core_staff_member.id")
    deputy_id: UUID | None = Field(default=None, foreign_key="core_staff_member.id")
    created_at: datetime = Field(sa_type=UtcDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ApiKey(Table, table=True):
    """A key, of which only a keyed hash is kept.

    ``kind`` is ``staff``, ``service``, ``customer`` or ``source``. A service is nobody's: it has a role of its own, and
    ``service_id`` names it in events through every rotation. A source is a site or app that sends events: it is named
    by ``source`` and has no role. ``scopes`` of None means all that the owner may do.
    """

    __tablename__ = "core_api_key"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str = Field(sa_column_kwargs=pii("staff"))
    hash: str = Field(unique=True, sa_column_kwargs=pii("hash"))
    hint: str = Field(sa_column_kwargs=pii("none"))
    kind: str = Field(sa_column_kwargs=pii("none"))
    role: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    service_id: UUID | None = None
    source: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    staff_member_id: UUID | None = Field(default=None, foreign_key="core_staff_member.id")
    customer_id: UUID | None = Field(default=None, foreign_key="core_customer.id", index=True)
    scopes: list[Any] | None = Field(default=None, sa_type=JsonColumn, sa_column_kwargs=pii("none"))
    replaces_id: UUID | None = Field(default=None, foreign_key="core_api_key.id")
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Secret(Table, table=True):
    """A secret that the server made for itself because the operator set none."""

    __tablename__ = "core_secret"

    name: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    value: str = Field(sa_column_kwargs=pii("none"))
