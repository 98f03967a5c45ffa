"""The table of answers that were given under a key."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import Table, UtcDateTime, new_id

__all__ = ["KeptAnswer"]


class KeptAnswer(Table, table=True):
    """What a request with a key was answered, written in the transaction of its effect.

    ``request_hash`` is the SHA-256 of what was asked. ``answer`` is None once it was erased with somebody's data.
    """

    __tablename__ = "core_kept_answer"
    __table_args__ = (UniqueConstraint("credential", "key"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    credential: str = Field(sa_column_kwargs=pii("staff"))
    key: str = Field(sa_column_kwargs=pii("free_text"))
    request_hash: str = Field(sa_column_kwargs=pii("hash"))
    request_id: str = Field(index=True, sa_column_kwargs=pii("none"))
    answer: str | None = Field(default=None, sa_column_kwargs=pii("document"))
    kept_at: datetime = Field(sa_type=UtcDateTime, index=True)
