"""The table of imports."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import Table, UtcDateTime, new_id

__all__ = ["Import"]


class Import(Table, table=True):
    """How far a file has been imported, committed together with what it says.

    ``fingerprint`` stands for the file's content and for how it is read, so that the same file goes on where it
    stopped. ``read_bytes`` and ``read_lines`` lie before the first record that is not done. Rejected rows go to
    ``rejects_file``, of which ``rejects_size`` bytes tell of what is done.
    """

    __tablename__ = "core_import"
    __table_args__ = (UniqueConstraint("fingerprint"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: str = Field(sa_column_kwargs=pii("none"))
    file_name: str = Field(sa_column_kwargs=pii("free_text"))
    fingerprint: str = Field(sa_column_kwargs=pii("none"))
    read_bytes: int = Field(default=0, sa_type=BigInteger)
    read_lines: int = Field(default=0, sa_type=BigInteger)
    records: int = Field(default=0, sa_type=BigInteger)
    created: int = Field(default=0, sa_type=BigInteger)
    updated: int = Field(default=0, sa_type=BigInteger)
    unchanged: int = Field(default=0, sa_type=BigInteger)
    rejected: int = Field(default=0, sa_type=BigInteger)
    customers: int = Field(default=0, sa_type=BigInteger)
    rejects_file: str | None = Field(default=None, sa_column_kwargs=pii("free_text"))
    rejects_size: int = Field(default=0, sa_type=BigInteger)
    created_by: str = Field(sa_column_kwargs=pii("staff"))
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
