"""What the function of a job is given: its input, sessions whose commit is fenced, progress, checkpoint and cancel."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random
from typing import Any, TypeVar, TypeVarTuple
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.typing import FilteringBoundLogger

from regulars.audit.service import Circumstances, under
from regulars.clock import Clock
from regulars.crash_points import CrashPoint, reach
from regulars.database import Database
from regulars.errors import RegularsError
from regulars.jobs.leases import Claim, Progress, renew_lease
from regulars.jobs.models import Job
from regulars.outgoing.granted import PluginHttp
from regulars.plugins.context import Company, PluginContext

__all__ = ["AlreadyWriting", "JobCancelled", "JobRun"]

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")
Model = TypeVar("Model", bound=BaseModel)


class JobCancelled(RegularsError):
    """Somebody cancelled the job; its function should let this pass."""

    code = "JOB_CANCELLED"

    def __init__(self, kind: str, job_id: UUID) -> None:
        self.kind, self.job_id = kind, job_id
        super().__init__(f"The job {kind} ({job_id}) was cancelled. What it committed before stays.")


class AlreadyWriting(RegularsError):
    """A job opened a second session for writing while the first was open."""

    code = "ALREADY_WRITING"

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(f"The job {kind} is writing already. Close that session first, or use the same one.")


class JobRun:
    """One attempt at a job.

    A job runs at least once: a worker can die at any moment, and another begins anew with the last ``checkpoint``.
    What is written in one ``writing`` session, checkpoint included, is committed as a whole and only while the job is
    ours. ``attempt`` counts from 1. ``settings`` are the plugin's, None for the core, and so is ``http``, which
    reaches the hosts that the manifest asks for in ``grants.network``.
    """

    def __init__(
        self,
        job: Job,
        *,
        database: Database,
        clock: Clock,
        company: Company,
        settings: BaseModel | None,
        http: PluginHttp | None = None,
        context_in: Callable[[AsyncSession], PluginContext] | None = None,
        log: FilteringBoundLogger,
        random: Random,
        lease: timedelta,
    ) -> None:
        self.id: UUID = job.id
        self.kind: str = job.kind
        self.input: Mapping[str, Any] = job.input
        self.attempt: int = job.attempts
        self.checkpoint: Mapping[str, Any] | None = job.checkpoint
        self.clock, self.company, self.settings, self.log, self.random = clock, company, settings, log, random
        self._http, self._context_in = http, context_in
        self.claim = Claim(job.id, job.fence)
        self.is_cancelled = False
        self._progress = Progress(job.done, job.total, job.message)
        self._kept_progress = self._progress
        self._database = database
        self._lease = lease
        self._is_writing = False
        self._next_checkpoint: Mapping[str, Any] | None = None

    def settings_as(self, model: type[Model]) -> Model:
        """Return the settings as the plugin's own model."""
        assert isinstance(self.settings, model)
        return self.settings

    @property
    def http(self) -> PluginHttp:
        """Return what the plugin reaches other machines with; the core's own jobs have none."""
        assert self._http is not None, "only jobs of plugins reach other machines by their run"
        return self._http

    def context_in(self, session: AsyncSession) -> PluginContext:
        """Return the plugin's context in a session of this run, to send messages or to let customers in."""
        assert self._context_in is not None, "only jobs of plugins have a context"
        return self._context_in(session)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Give a session for reading; whatever it changes is rolled back."""
        async with self._database.reading() as session:
            yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """Give a session for writing that commits at the end if the job is still ours.

        Raises ``LeaseLost`` when it is not, ``AlreadyWriting`` inside another one; nothing is committed then. Keep such
        sessions short, a second or two: on SQLite everybody else waits for them.
        """
        if self._is_writing:
            raise AlreadyWriting(self.kind)
        self._is_writing = True
        try:
            async with self._database.writing() as session:
                with under(session, Circumstances(f"job:{self.kind}")):
                    yield session
                await session.flush()
                checkpoint, progress = self._next_checkpoint, self._progress
                await renew_lease(
                    session,
                    self.claim,
                    lease=self._lease,
                    now=self.clock.now(),
                    progress=progress,
                    checkpoint=checkpoint,
                )
                reach(CrashPoint.JOB_WRITTEN)
            self._kept_progress = progress
            if checkpoint is not None:
                self.checkpoint = checkpoint
        finally:
            self._is_writing = False
            self._next_checkpoint = None

    async def save_checkpoint(self, checkpoint: Mapping[str, Any]) -> None:
        """Keep a note, as JSON, from which the next attempt goes on.

        Inside a ``writing`` session it commits together with it, so that an effect and the note of it are one thing;
        outside it commits by itself. Raises ``LeaseLost``.
        """
        if self._is_writing:
            self._next_checkpoint = dict(checkpoint)
            return
        async with self.writing():
            self._next_checkpoint = dict(checkpoint)

    async def progress(self, done: int, total: int | None = None, message: str | None = None) -> None:
        """Tell how far the run is, as often as you like: it is written about once a second.

        Raises ``JobCancelled`` when somebody cancelled the job.
        """
        self._progress = Progress(done, total, message)
        await asyncio.sleep(0)  # a busy loop that tells its progress lets the heartbeat through
        self.raise_if_cancelled()

    def raise_if_cancelled(self) -> None:
        """Raise ``JobCancelled`` when somebody cancelled the job."""
        if self.is_cancelled:
            raise JobCancelled(self.kind, self.id)

    async def in_thread(self, function: "Callable[[*Arguments], Result]", *arguments: *Arguments) -> Result:
        """Return what the function returns, computed in a thread so that heartbeats go on.

        A thread cannot be stopped: give it pieces of a few seconds, or let it look at ``is_cancelled``.
        """
        future: Future[Result] = Future()
        context = contextvars.copy_context()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(context.run(function, *arguments))
            except BaseException as error:  # whatever it is, it belongs to whoever awaits the result
                future.set_exception(error)

        # Not the loop's own threads: leaving the process would wait for those.
        threading.Thread(target=work, name=f"job {self.kind}", daemon=True).start()
        return await asyncio.wrap_future(future)

    @property
    def unkept_progress(self) -> Progress | None:
        """Return the progress that is not in the database yet; for the worker."""
        return None if self._progress is self._kept_progress else self._progress

    async def renew(self) -> None:
        """Keep the lease, and write the progress that is not kept yet; for the worker. Raises ``LeaseLost``."""
        progress = self._progress
        async with self._database.writing() as session:
            await renew_lease(session, self.claim, lease=self._lease, now=self.clock.now(), progress=progress)
        self._kept_progress = progress
