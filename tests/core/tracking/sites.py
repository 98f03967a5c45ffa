"""A site that sends events to the real server with its write key."""

import base64
from collections.abc import Sequence
from typing import Any

import httpx

from regulars.access.actors import SYSTEM
from regulars.access.owners import ForSource
from regulars.access.server_secret import ensure_server_secret
from regulars.access.service import create_key
from regulars.testing.app import App


class Site:
    """A site with a write key of its own."""

    def __init__(self, app: App, key: str) -> None:
        self.app, self.key = app, key
        basic = base64.b64encode(f"{key}:".encode()).decode()
        self.headers = {"authorization": f"Basic {basic}"}

    async def post(self, path: str, body: Any, *, strict: bool = True) -> httpx.Response:
        headers = self.headers | ({"x-strict-mode": "1"} if strict else {})
        return await self.app.client.post(f"/v1/{path}", json=body, headers=headers)

    async def send(self, *messages: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what became of each message of a batch."""
        answer = await self.post("batch", {"batch": list(messages)})
        results: list[dict[str, Any]] = answer.json()["results"]
        return results


async def write_key(app: App, source: str = "site", *, scopes: Sequence[str] = ()) -> str:
    async with app.database.writing() as session:
        secret = await ensure_server_secret(session, configured="")
        issued = await create_key(
            session,
            name="the site",
            owner=ForSource(source),
            permissions=app.server.permissions,
            secret=secret,
            actor=SYSTEM,
            now=app.clock.now(),
            scopes=list(scopes),
        )
    return issued.text


TIMELINE = """{ customers(orderBy: [{field: CREATED_AT, direction: ASC}]) { nodes {
  id displayName
  identities { kind source value verifiedAt }
  traits { key text number boolean provenance source }
  touchpoints { nodes { type channel source externalId payload occurredAt } }
} } }"""


async def customers(app: App) -> list[dict[str, Any]]:
    """Return everybody with all that is known of them, in the order in which they became known."""
    found: list[dict[str, Any]] = (await app.gql(TIMELINE))["customers"]["nodes"]
    return found


def names(customer: dict[str, Any]) -> list[tuple[str, str]]:
    """Return kind and value of each name of a customer."""
    return [(one["kind"], one["value"]) for one in customer["identities"]]


def traits(customer: dict[str, Any]) -> dict[str, Any]:
    """Return what is known of a customer, by key."""
    kinds = ("text", "number", "boolean")
    return {
        trait["key"]: next(trait[kind] for kind in kinds if trait[kind] is not None) for trait in customer["traits"]
    }
