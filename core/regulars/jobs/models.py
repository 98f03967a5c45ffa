"""The table of jobs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import JsonColumn, Table, UtcDateTime, new_id

__all__ = ["Job"]


class Job(Table, table=True):
    """One run of some work in the background.

    ``key`` is unique per kind: the scheduler puts the fire time there, so that two clocks make one row.
    ``fence`` grows with every claim; a worker that lost its lease cannot commit, because its fence is old.
    """

    __tablename__ = "core_job"
    __table_args__ = (
        UniqueConstraint("kind", "key"),
        Index("ix_core_job_waiting", "status", "run_after", "id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: str = Field(sa_column_kwargs=pii("none"))
    key: str = Field(sa_column_kwargs=pii("free_text"))
    status: str = Field(default="QUEUED", sa_column_kwargs=pii("none"))
    input: dict[str, Any] = Field(sa_type=JsonColumn, sa_column_kwargs=pii("document"))
    result: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn, sa_column_kwargs=pii("document"))
    checkpoint: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn, sa_column_kwargs=pii("document"))
    done: int = 0
    total: int | None = None
    message: str | None = Field(default=None, sa_column_kwargs=pii("free_text"))
    problem: str | None = Field(default=None, sa_column_kwargs=pii("free_text"))
    attempts: int = 0
    fence: int = 0
    worker: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    run_after: datetime = Field(sa_type=UtcDateTime)
    is_cancel_requested: bool = False
    created_by: str = Field(sa_column_kwargs=pii("staff"))
    created_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
