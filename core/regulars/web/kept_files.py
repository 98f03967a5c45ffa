"""Serve files that browsers may keep for a while."""

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

__all__ = ["KeptFiles"]


class KeptFiles(StaticFiles):
    """Files that browsers may keep for a while."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file with how long it may be kept."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "public, max-age=300"
        return response
