"""Give out exported files at `/exports/<job>`, to whoever asked for them, for a week."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from regulars.errors import Forbidden, NotFound
from regulars.exports.job import EXPORT_JOB, EXPORTS_RUN, KEPT_FOR, export_path, problems_path
from regulars.fields.ids import row_id
from regulars.jobs.models import Job
from regulars.web.server import Server

__all__ = ["export_routes"]

MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


def export_routes(server: Server) -> list[Route]:
    """Return the routes of exported files and of the reports of their errors."""

    async def rows(request: Request) -> Response:
        job = await _finished(server, request)
        format = job.input["format"]
        path = export_path(server.exports, job.id, format)
        name = f"{job.input['kind']}-{job.created_at:%Y-%m-%d}.{format}"
        if not path.exists():
            raise NotFound("exported file", job.id)
        return FileResponse(path, media_type=MEDIA_TYPES[format], filename=name)

    async def problems(request: Request) -> Response:
        job = await _finished(server, request)
        path = problems_path(server.exports, job.id)
        if not path.exists():
            raise NotFound("report of errors", job.id)
        return FileResponse(path, media_type=MEDIA_TYPES["csv"], filename="errors.csv")

    return [
        Route("/exports/{job_id}", rows, methods=["GET"], name="exports"),
        Route("/exports/{job_id}/errors", problems, methods=["GET"], name="export-errors"),
    ]


async def _finished(server: Server, request: Request) -> Job:
    """Return the job, if it succeeded within a week and was asked for by whoever asks now."""
    actor = await server.actor(request.headers.get("authorization"))
    if not actor.may(EXPORTS_RUN):
        raise Forbidden(EXPORTS_RUN)
    id: UUID = row_id("Job", request.path_params["job_id"])
    async with server.database.reading() as session:
        job = await session.get(Job, id)
    is_there = job is not None and job.kind == EXPORT_JOB and job.status == "SUCCEEDED" and job.ended_at is not None
    if job is None or not is_there or job.created_by != actor.label:
        raise NotFound("export of yours", id)
    if job.ended_at is None or server.clock.now() > job.ended_at + KEPT_FOR:
        raise NotFound("export of yours that is kept still", id)
    return job
