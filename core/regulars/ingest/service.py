"""Import a file chunk by chunk: rows, events and the place where the chunk ends are committed together."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.audit.service import record_audit
from regulars.clock import Clock
from regulars.ingest.cursors import begin_import, hold_import, move_import
from regulars.ingest.files import ImportFile, Position
from regulars.ingest.importers import Writer, importer_for
from regulars.ingest.outcomes import Outcome
from regulars.ingest.plans import ImportPlan
from regulars.ingest.reading_ahead import ReadingAhead
from regulars.ingest.records import check_columns, open_records
from regulars.ingest.rejects import RejectsFile
from regulars.ingest.reports import ImportReport, report_of
from regulars.ingest.staging import is_worth_repeating, prepare_for_chunks
from regulars.touchpoints.types import TouchpointTypes

__all__ = ["CHUNK", "FileImport", "Sessions", "Tell"]

CHUNK = 20_000
"""Rows that are written in one transaction."""

TRIES = 6
"""How often a chunk is begun: for a turn, for keys that are taken, and whenever somebody was in the way."""

Tell = Callable[[int, int], Awaitable[None]]
"""Is told how many records are done, and how many there are, about."""


class Sessions(Protocol):
    """Whatever gives out sessions: the database, or a job, whose commits are fenced."""

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Give a session for reading; whatever it changes is rolled back."""
        ...

    def writing(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Give a session for writing that commits at the end."""
        ...


@dataclass(frozen=True)
class FileImport:
    """A file that is to be imported as the plan says; ``chunk`` rows are written at a time."""

    file: ImportFile
    plan: ImportPlan
    types: TouchpointTypes
    sessions: Sessions
    clock: Clock
    actor: str
    chunk: int = CHUNK

    async def run(self, *, rejects: Path, tell: Tell, again: bool = False) -> ImportReport:
        """Import the file from where it stopped; one that is finished is left alone, unless ``again``.

        Raises what ``check_columns`` raises before anything is written, ``ImportOvertaken`` when somebody else imports
        the same file, and ``FileUnreadable`` when the rejected rows cannot be kept.
        """
        check_columns(self.file, self.plan.mapping)
        async with self.sessions.writing() as session:
            now = self.clock.now()
            row = await begin_import(session, file=self.file, plan=self.plan, actor=self.actor, again=again, now=now)
        report = report_of(row)
        if report.was_finished:
            return report
        at, size = Position(row.read_bytes, row.read_lines), 0
        if row.rejects_file == str(rejects):
            size = row.rejects_size
        with closing(RejectsFile(rejects, size=size)) as kept:
            async with self._batches(at) as (batches, writer):
                while (batch := await batches.next()).chunk.size:
                    outcome, size = await self._write(row.id, at, batch, batches, writer, kept, size)
                    at = batch.chunk.end
                    report.add(batch.chunk.size, outcome)
                    await tell(report.records, self.file.records)
            async with self.sessions.writing() as session:
                (await hold_import(session, id=row.id, at=at)).ended_at = self.clock.now()
        report.rejects_file = rejects if report.rejected else None
        return report

    async def attempt(self, *, rejects: Path, tell: Tell) -> ImportReport:
        """Return what an import from the beginning would make of the file, and write nothing to the database.

        Each chunk is held against the database as it is: a row that repeats one of an earlier chunk counts as new.
        """
        check_columns(self.file, self.plan.mapping)
        report, size = ImportReport(), 0
        with closing(RejectsFile(rejects, size=0)) as kept:
            async with self._batches(self.file.begin) as (batches, writer):
                while (batch := await batches.next()).chunk.size:
                    async with self.sessions.reading() as session:
                        await prepare_for_chunks(session)
                        await writer.stage(session, batch)
                        batches.begin()
                        outcome = await writer.write(session, batch, is_trial=True, now=self.clock.now())
                    size = kept.write(outcome.rejections, after=size)
                    report.add(batch.chunk.size, outcome)
                    await tell(report.records, self.file.records)
        report.rejects_file = rejects if report.rejected else None
        return report

    @asynccontextmanager
    async def _batches(self, begin: Position) -> AsyncIterator[tuple[ReadingAhead[Any], Writer]]:
        async with self.sessions.reading() as session:
            dialect = session.get_bind().dialect
        reader, writer = importer_for(self.plan, self.file, types=self.types, actor=self.actor, dialect=dialect)
        with open_records(self.file, mapping=self.plan.mapping, begin=begin) as records:
            async with ReadingAhead(lambda: reader.read(records.read(self.chunk), now=self.clock.now())) as batches:
                yield batches, writer

    async def _write(
        self,
        id: UUID,
        at: Position,
        batch: Any,
        batches: ReadingAhead[Any],
        writer: Writer,
        kept: RejectsFile,
        size: int,
    ) -> tuple[Outcome, int]:
        """Write a chunk and the place where it ends; return what became of it, and the size of the rejects."""
        tries = 0
        while True:
            tries += 1
            try:
                async with self.sessions.writing() as session:
                    now = self.clock.now()
                    held = await hold_import(session, id=id, at=at)
                    await prepare_for_chunks(session)
                    await writer.stage(session, batch)
                    batches.begin()
                    outcome = await writer.write(session, batch, is_trial=False, now=now)
                    if outcome.written:
                        await record_audit(
                            session,
                            actor=self.actor,
                            action="import.written",
                            subject=f"import:{id}",
                            fields=outcome.written,
                            now=now,
                        )
                    assert outcome.rows == batch.chunk.size, "A row is lost without a word."
                    new_size = kept.write(outcome.rejections, after=size)
                    move_import(
                        held,
                        to=batch.chunk.end,
                        records=batch.chunk.size,
                        outcome=outcome,
                        rejects=kept.path,
                        rejects_size=new_size,
                        now=now,
                    )
                return outcome, new_size
            except Exception as error:
                if tries == TRIES or not is_worth_repeating(error):
                    raise
