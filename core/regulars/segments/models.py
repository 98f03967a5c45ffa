"""The table of segments."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import JsonColumn, Table, UtcDateTime, new_id

__all__ = ["Segment"]


class Segment(Table, table=True):
    """A saved filter: ``where`` has the shape of the GraphQL input ``CustomerWhere``."""

    __tablename__ = "core_segment"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str = Field(unique=True, sa_column_kwargs=pii("none"))
    description: str | None = Field(default=None, sa_column_kwargs=pii("free_text"))
    where: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("document"))
    version: int = 1
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
