"""Give out exports of personal data at `/privacy/exports/<request>`, for a week, to whoever answers such requests."""

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from regulars.errors import Forbidden, NotFound
from regulars.fields.ids import row_id
from regulars.privacy.archives import archive_path
from regulars.privacy.job import PRIVACY_MANAGE
from regulars.privacy.models import PrivacyRequest
from regulars.web.server import Server

__all__ = ["privacy_archive_route"]

MEDIA_TYPES = {".zip": "application/zip", ".json": "application/json"}
NOT_KEPT = {"cache-control": "no-store"}


def privacy_archive_route(server: Server) -> Route:
    """Return the route; nobody may keep what it answers."""

    async def give(request: Request) -> Response:
        actor = await server.actor(request.headers.get("authorization"))
        if not actor.may(PRIVACY_MANAGE):
            raise Forbidden(PRIVACY_MANAGE)
        id = row_id("PrivacyRequest", request.path_params["request_id"])
        async with server.database.reading() as session:
            found = await session.get(PrivacyRequest, id)
        path = None if found is None or found.archive is None else archive_path(server.uploads, found.archive)
        if path is None or not path.exists():
            raise NotFound("exported personal data", id)
        name = f"personal-data-{id}{path.suffix}"
        return FileResponse(path, media_type=MEDIA_TYPES[path.suffix], filename=name, headers=NOT_KEPT)

    return Route("/privacy/exports/{request_id}", give, methods=["GET"], name="privacy-exports")
