"""The table of trusted documents."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import Table, UtcDateTime, new_id

__all__ = ["TrustedDocument"]


class TrustedDocument(Table, table=True):
    """A GraphQL document that clients can ask for by its hash; ``name`` tells its operations."""

    __tablename__ = "core_trusted_document"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    sha256: str = Field(unique=True, sa_column_kwargs=pii("none"))
    name: str = Field(sa_column_kwargs=pii("none"))
    text: str = Field(sa_column_kwargs=pii("none"))
    registered_by: str = Field(sa_column_kwargs=pii("staff"))
    registered_at: datetime = Field(sa_type=UtcDateTime)
