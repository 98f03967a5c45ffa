"""Export as a job: the file lies in a folder of the server until somebody fetches it, for a week at most."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.clock import Clock
from regulars.consents.registry import ConsentRegistry
from regulars.contact.rule_set import ContactRules
from regulars.contact.service import decide_contacts
from regulars.exports.plans import ExportPlan, plan_from
from regulars.exports.service import Allowed, ExportState, FileExport, open_at
from regulars.fields.asking import Ask
from regulars.jobs.run import JobRun
from regulars.plugins.contributions import Job, daily

__all__ = ["EXPORTS_RUN", "EXPORT_JOB", "KEPT_FOR", "contact_gate", "export_jobs", "export_path", "problems_path"]

EXPORT_JOB = "core.export"
EXPORTS_RUN = "exports:run"
KEPT_FOR = timedelta(days=7)
PAGES_BETWEEN_CHECKPOINTS = 50


class Reading(Protocol):
    """Whatever gives out sessions for reading: the database, or a job."""

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Give a session for reading."""
        ...


def export_path(folder: Path, job_id: UUID, format: str) -> Path:
    """Return where the rows of an export lie; an erasure knows such files by their endings, and searches them."""
    return folder / f"export-{job_id.hex}.{format}"


def problems_path(folder: Path, job_id: UUID) -> Path:
    """Return where the errors of an export lie."""
    return folder / f"export-{job_id.hex}.errors.csv"


def export_jobs(
    *,
    folder: Path,
    ask: Ask,
    rules: Callable[[], ContactRules],
    registry: ConsentRegistry,
    slots: int,
) -> Sequence[Job]:
    """Return the job that exports, of which ``slots`` run at once, and the daily one that deletes old files."""

    async def export(run: JobRun) -> Mapping[str, Any]:
        plan = plan_from(run.input)
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
        state = ExportState.read(run.checkpoint)
        with (
            closing(open_at(export_path(folder, run.id, plan.format), state.size)) as rows,
            closing(open_at(problems_path(folder, run.id), state.problems_size)) as problems,
        ):
            pages = 0

            async def tell(state: ExportState) -> None:
                nonlocal pages
                pages += 1
                await run.progress(state.rows, None, "Exporting")
                if state.is_done or pages % PAGES_BETWEEN_CHECKPOINTS == 0:
                    for file in (rows, problems):
                        file.flush()
                        await asyncio.to_thread(os.fsync, file.fileno())
                    await run.save_checkpoint(state.as_json())

            gate = contact_gate(run, plan, rules(), registry, run.clock)
            writing = FileExport(plan, ask, gate)
            state = await writing.write(rows, problems, state, tell=tell)
        return {
            "rows": state.rows,
            "bytes": state.size,
            "errors": state.problems,
            "leftOut": dict(state.left_out),
            "downloadUrl": f"/exports/{run.id}",
            "errorReportUrl": f"/exports/{run.id}/errors" if state.problems else None,
            "expiresAt": (run.clock.now() + KEPT_FOR).isoformat(),
        }

    async def forget(run: JobRun) -> Mapping[str, Any]:
        return {"files": await asyncio.to_thread(_delete_old, folder, run.clock.now() - KEPT_FOR)}

    title = "Delete exported files that nobody may fetch any more"
    return (
        Job(EXPORT_JOB, export, "Export rows to a file", EXPORTS_RUN, timeout=timedelta(hours=12), slots=slots),
        Job("core.export_cleanup", forget, title, "jobs:manage", trigger=daily(hour=4, minute=20)),
    )


def contact_gate(
    sessions: Reading, plan: ExportPlan, rules: ContactRules, registry: ConsentRegistry, clock: Clock
) -> Allowed | None:
    """Return what says why customers may not be contacted as the plan wants; None where it wants no contact."""
    request = plan.contact
    if request is None:
        return None

    async def allowed(ids: Sequence[UUID]) -> Mapping[UUID, str]:
        async with sessions.reading() as session:
            decided = await decide_contacts(
                session, customer_ids=ids, request=request, rules=rules, registry=registry, now=clock.now()
            )
        return {one.asked_id: one.decision.rule for one in decided if one.decision.outcome != "ALLOW"}

    return allowed


def _delete_old(folder: Path, before: datetime) -> int:
    old = [path for path in folder.glob("export-*") if path.stat().st_mtime < before.timestamp()]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
