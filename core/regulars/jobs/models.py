"""The table of jobs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

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
    kind: str
    key: str
    status: str = "QUEUED"
    input: dict[str, Any] = Field(sa_type=JsonColumn)
    result: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn)
    checkpoint: dict[str, Any] | None = Field(default=None, sa_type=JsonColumn)
    done: int = 0
    total: int | None = None
    message: str | None = None
    problem: str | None = None
    attempts: int = 0
    fence: int = 0
    worker: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    run_after: datetime = Field(sa_type=UtcDateTime)
    is_cancel_requested: bool = False
    created_by: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
