"""Answer what is open: write exports, erase, and look again for a day at what was erased."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlmodel import col

from regulars.access.actors import SYSTEM
from regulars.database import Database
from regulars.events.service import record_event
from regulars.faults import in_one_line
from regulars.ingest.models import Import
from regulars.jobs.run import JobRun
from regulars.plugins.calling.hook_calls import export_personal_data
from regulars.plugins.contributions import Job, every
from regulars.plugins.host import PluginHost
from regulars.privacy.archives import archive_path, portable_part, write_archive, write_portable
from regulars.privacy.certificates import erasure_certificate
from regulars.privacy.erasure import Erased, erase_customer
from regulars.privacy.export_parts import core_parts_of, ids_of
from regulars.privacy.models import PrivacyRequest
from regulars.privacy.notes import ErasureNote, note_erasure
from regulars.privacy.plugin_parts import plugin_eraser
from regulars.privacy.requests import PORTABILITY, PRIVACY_JOB
from regulars.privacy.storage import StorageBusy, clean_storage
from regulars.privacy.tracks import erase_from_files

__all__ = ["ARCHIVE_LIFETIME", "PRIVACY_MANAGE", "privacy_job"]

PRIVACY_MANAGE = "privacy:manage"
EVERY = timedelta(minutes=10)
LOOK_AGAIN = timedelta(minutes=10)
LOOK_AGAIN_FOR = timedelta(days=1)
ARCHIVE_LIFETIME = timedelta(days=7)
SUFFIXES = (".csv", ".jsonl", ".upload")


def privacy_job(
    *, database: Database, uploads: Path, folders: Sequence[Path], notes: Path, host: Callable[[], PluginHost]
) -> Job:
    """Return the job that answers every open request; what cannot be done stays open, and is tried again.

    Exports lie below ``uploads``; erasures search there and in ``folders``, and are noted in
    ``notes``. Whatever wrote about a customer while they
    were being erased is found by looking again, for a day.
    """

    async def run(job: JobRun) -> Mapping[str, Any]:
        answered: list[str] = []
        pending = await _pending(job)
        for done, id in enumerate(pending):
            await job.progress(done, len(pending), "Answering privacy requests")
            if await _answer(job, id):
                answered.append(str(id))
        await _remove_old_archives(job, uploads)
        return {"looked_at": len(pending), "answered": answered}

    async def _answer(job: JobRun, id: UUID) -> bool:
        async with job.reading() as session:
            request = await session.get_one(PrivacyRequest, id)
        answer: Callable[..., Awaitable[None]] = _erase if request.kind == "erasure" else _export
        try:
            await answer(job, request)
        except Exception as error:
            if isinstance(error, asyncio.CancelledError):
                raise
            async with job.writing() as session:
                open_request = await session.get_one(PrivacyRequest, id)
                open_request.problem = in_one_line(error)
            return False
        return True

    async def _erase(job: JobRun, request: PrivacyRequest) -> None:
        began, lines = job.clock.now(), 0

        async def outside(erased: Erased) -> None:
            nonlocal lines
            lines = await job.in_thread(lambda: erase_from_files(paths, words=erased.words))
            note = ErasureNote(began, erased.ids, erased.hashes)
            if erased.hashes or request.checked_at is None:
                await job.in_thread(lambda: note_erasure(notes, note))

        paths = await _files(job, [uploads, *folders])
        async with job.writing() as session:
            erased = await erase_customer(
                session,
                customer_id=request.customer_id,
                request_id=request.id,
                erase_plugins=plugin_eraser(host(), actor=SYSTEM.label),
                before_commit=outside,
                actor=SYSTEM,
                now=job.clock.now(),
            )
            kept = await session.get_one(PrivacyRequest, request.id)
            kept.certificate = erasure_certificate(kept, erased, lines=lines, storage={}, began_at=began, now=began)
            kept.checked_at = job.clock.now()
        for archive in (uploads / "exports").glob(f"{request.customer_id}*"):
            archive.unlink(missing_ok=True)
        touched = {name for name, count in erased.rows.items() if count}
        touched |= {name for rows in erased.plugins.values() for name, count in rows.items() if count}
        problems = list(erased.problems)
        try:
            storage = await clean_storage(database, tables=touched)
        except StorageBusy as busy:
            storage, problems = {"writeAheadLog": "not emptied yet"}, [*problems, str(busy)]
        async with job.writing() as session:
            kept = await session.get_one(PrivacyRequest, request.id)
            kept.certificate = {
                **(kept.certificate or {}),
                "storage": dict(storage),
                "endedAt": job.clock.now().isoformat(),
            }
            kept.problem = "; ".join(problems) or None
            await _end(session, kept, is_done=not problems, now=job.clock.now())

    async def _export(job: JobRun, request: PrivacyRequest) -> None:
        async with job.reading() as session:
            ids = await ids_of(session, request.customer_id)
            parts = await core_parts_of(session, ids)
        missing: list[str] = []
        for id in ids:
            for outcome in await export_personal_data(host(), customer_id=id, actor=SYSTEM.label):
                if outcome.failure is not None:
                    missing.append(str(outcome.failure))
                elif outcome.value:
                    parts.append(_plugin_part(outcome.plugin_id, outcome.value))
        now = job.clock.now()
        is_to_move = request.kind == PORTABILITY
        if is_to_move:
            parts = [dict(rest) for part in parts if (rest := portable_part(part)) is not None]
        told = {"asOf": now.isoformat(), "customer": str(request.customer_id), "parts": parts, "missing": missing}
        name = f"{request.customer_id}-{request.id}{'.json' if is_to_move else '.zip'}"
        path = archive_path(uploads, name)
        await job.in_thread(
            lambda: write_portable(path, told) if is_to_move else write_archive(path, told, company=job.company.name)
        )
        async with job.writing() as session:
            kept = await session.get_one(PrivacyRequest, request.id)
            kept.archive = name
            kept.problem = "; ".join(missing) or None
            kept.certificate = {
                "request": str(request.id),
                "kind": request.kind,
                "customer": str(request.customer_id),
                "receivedAt": request.received_at.isoformat(),
                "dueAt": request.due_at.isoformat(),
                "endedAt": now.isoformat(),
                "rows": {part["part"]: len(part["rows"]) for part in parts},
                "missing": missing,
            }
            await _end(session, kept, is_done=not missing, now=now)

    return Job(
        PRIVACY_JOB,
        run=run,
        title="Answer privacy requests",
        permission=PRIVACY_MANAGE,
        trigger=every(EVERY),
        timeout=timedelta(hours=6),
    )


def _plugin_part(plugin_id: str, told: Mapping[str, Any]) -> dict[str, Any]:
    source = f"the plugin {plugin_id}, which names the kind of each fact"
    return {
        "part": plugin_id,
        "title": f"What {plugin_id} knows",
        "source": source,
        "kind": "plugin",
        "rows": [{**told, "isPortable": told.get("isPortable") is True}],
    }


async def _pending(job: JobRun) -> Sequence[UUID]:
    now = job.clock.now()
    is_fresh = (
        (col(PrivacyRequest.kind) == "erasure")
        & (col(PrivacyRequest.completed_at) > now - LOOK_AGAIN_FOR)
        & (col(PrivacyRequest.checked_at) <= now - LOOK_AGAIN)
    )
    query = select(col(PrivacyRequest.id)).where(or_(col(PrivacyRequest.status) == "open", is_fresh))
    async with job.reading() as session:
        return (await session.scalars(query.order_by(col(PrivacyRequest.created_at)))).all()


async def _files(job: JobRun, folders: Sequence[Path]) -> list[Path]:
    async with job.reading() as session:
        named = await session.scalars(select(col(Import.rejects_file)).where(col(Import.rejects_file).is_not(None)))
        rejects = {Path(name) for name in named if name}
    return await job.in_thread(lambda: _there(rejects, folders))


def _there(rejects: Collection[Path], folders: Sequence[Path]) -> list[Path]:
    sent = (path for folder in folders for path in folder.rglob("*") if path.suffix in SUFFIXES)
    return sorted({path for path in (*rejects, *sent) if path.is_file()})


async def _end(session: Any, request: PrivacyRequest, *, is_done: bool, now: Any) -> None:
    if not is_done or request.status == "done":
        return
    request.status, request.completed_at = "done", now
    await record_event(
        session,
        type="privacy.done",
        subject=f"customer:{request.customer_id}",
        actor=SYSTEM.label,
        data={"requestId": str(request.id), "kind": request.kind},
        now=now,
    )


async def _remove_old_archives(job: JobRun, uploads: Path) -> None:
    async with job.writing() as session:
        old = col(PrivacyRequest.completed_at) < job.clock.now() - ARCHIVE_LIFETIME
        for request in await session.scalars(
            select(PrivacyRequest).where(old, col(PrivacyRequest.archive).is_not(None))
        ):
            archive_path(uploads, request.archive or "").unlink(missing_ok=True)
            request.archive = None
