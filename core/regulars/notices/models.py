"""The table of notices."""

from datetime import datetime

from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import Table, UtcDateTime

__all__ = ["Notice"]


class Notice(Table, table=True):
    """A text under which customers consent; it is never changed, a new text is a new version."""

    __tablename__ = "core_notice"

    version: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    language: str = Field(primary_key=True, sa_column_kwargs=pii("none"))
    text: str = Field(sa_column_kwargs=pii("none"))
    text_sha256: str = Field(sa_column_kwargs=pii("hash"))
    published_by: str = Field(sa_column_kwargs=pii("staff"))
    published_at: datetime = Field(sa_type=UtcDateTime)
