"""Choose how a kind of file is read and written."""

from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Dialect
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.customers.identities import Identity
from regulars.ingest.customer_rows import CustomerReader
from regulars.ingest.customer_writes import CustomerWriter
from regulars.ingest.files import ImportFile
from regulars.ingest.outcomes import Outcome
from regulars.ingest.plans import ImportPlan
from regulars.ingest.records import Chunk
from regulars.ingest.touchpoint_rows import TouchpointReader
from regulars.ingest.touchpoint_writes import TouchpointWriter
from regulars.touchpoints.types import TouchpointTypes

__all__ = ["Reader", "Writer", "importer_for"]


class Reader(Protocol):
    """Turns chunks of texts into what a writer takes; it runs in a thread and asks nobody."""

    def read(self, chunk: Chunk, *, now: datetime) -> Any:
        """Return what the writer takes."""
        ...


class Writer(Protocol):
    """Writes what a reader made of a chunk, in a transaction that its caller commits."""

    async def stage(self, session: AsyncSession, batch: Any) -> None:
        """Bring the rows to the database, where nobody else sees them."""
        ...

    async def write(self, session: AsyncSession, batch: Any, *, is_trial: bool, now: datetime) -> Outcome:
        """Write what was staged, and tell what became of every row; a trial only tells."""
        ...


def importer_for(
    plan: ImportPlan, file: ImportFile, *, types: TouchpointTypes, actor: str, dialect: Dialect
) -> tuple[Reader, Writer]:
    """Return what reads the file and what writes its rows, told of by ``actor``."""
    if plan.mapping.kind == "customers":
        return CustomerReader(), CustomerWriter(actor=actor)
    zone = None if plan.time_zone is None else ZoneInfo(plan.time_zone)
    reader = TouchpointReader(file_hash=file.sha256, types=types, zone=zone, dialect=dialect)

    def creates(identity: Identity) -> bool:
        return identity.kind == "external" if plan.create_customers is None else plan.create_customers

    return reader, TouchpointWriter(creates=creates, actor=actor, dialect=dialect)
