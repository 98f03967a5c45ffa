"""Take in files of any length at `/imports/<id>`: they are streamed to disk, then imported by a job."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from regulars.errors import Forbidden
from regulars.fields.ids import global_id
from regulars.ingest.job import IMPORT_JOB, IMPORTS_RUN, upload_path
from regulars.ingest.uploads import expected_upload
from regulars.jobs.service import enqueue_job
from regulars.web.server import Server

__all__ = ["upload_route"]

UPLOAD_POINTS = 10


def upload_route(server: Server) -> Route:
    """Return the route; sending the same file again gives the same job."""

    async def take(request: Request) -> JSONResponse:
        actor = await server.actor(request.headers.get("authorization"))
        server.charge(actor, request)(UPLOAD_POINTS)
        if not actor.may(IMPORTS_RUN):
            raise Forbidden(IMPORTS_RUN)
        upload_id: str = request.path_params["upload_id"]
        announced = expected_upload(server.uploads, upload_id, now=server.clock.now())
        await _stream(request, upload_path(server.uploads, upload_id))
        async with server.database.writing() as session:
            job = await enqueue_job(
                session,
                kind=IMPORT_JOB,
                key=upload_id,
                input={**announced, "upload": upload_id, "actor": actor.label},
                actor=actor.label,
                now=server.clock.now(),
            )
        return JSONResponse({"job": global_id("Job", job.id), "status": job.status}, 202)

    return Route("/imports/{upload_id}", take, methods=["PUT"], name="uploads")


async def _stream(request: Request, path: Path) -> None:
    """Write the body to the file; it gets its name only once all of it has arrived."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        async for piece in request.stream():
            file.write(piece)
    part.replace(path)
