import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from regulars.access.actors import SYSTEM
from regulars.access.owners import ForService
from regulars.access.server_secret import ensure_server_secret
from regulars.access.service import create_key
from regulars.settings import Settings
from regulars.web.application import create_app
from regulars.web.server import Server

pytestmark = pytest.mark.usefixtures("logging_restored")

START = """mutation($input: ImportStartInput!) {
  importStart(input: $input) { uploadAddress errors { code path } } }"""
CUSTOMERS = b"external_id,display_name,email\nC1,Ada,ada@example.com\nC2,Bob,null\n"


async def a_key(server: Server, role: str) -> dict[str, str]:
    async with server.database.writing() as session:
        issued = await create_key(
            session,
            name="uploads",
            owner=ForService(role),
            permissions=server.permissions,
            secret=await ensure_server_secret(session, configured=""),
            actor=SYSTEM,
            now=server.clock.now(),
        )
    return {"authorization": f"Bearer {issued.text}"}


async def test_a_file_that_is_announced_and_sent_is_imported_once(database_url: str, tmp_path: Path) -> None:
    app = create_app(Settings(database_url=database_url, uploads=str(tmp_path / "uploads")))
    server: Server = app.state.server
    async with server.running():
        key = await a_key(server, "admin")
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=key)
        announced = {"kind": "customers", "source": "crm"}

        started = (await client.post("/graphql", json={"query": START, "variables": {"input": announced}})).json()
        address = started["data"]["importStart"]["uploadAddress"]
        first = await client.put(address, content=CUSTOMERS)
        again = await client.put(address, content=CUSTOMERS)
        job = await ended(client, first.json()["job"])
        found = (await client.post("/graphql", json={"query": "{ customers { nodes { displayName } } }"})).json()

    assert (first.status_code, again.json()["job"]) == (202, first.json()["job"])
    assert job["status"] == "SUCCEEDED"
    assert (job["result"]["created"], job["result"]["rejected"]) == (1, 1)
    assert found["data"]["customers"]["nodes"] == [{"displayName": "Ada"}]


async def ended(client: httpx.AsyncClient, id: str) -> dict[str, Any]:
    query = "query($id: ID!) { job(id: $id) { status result problem } }"
    for _ in range(300):
        answer = (await client.post("/graphql", json={"query": query, "variables": {"id": id}})).json()
        job: dict[str, object] = answer["data"]["job"]
        if job["status"] not in ("QUEUED", "RUNNING"):
            return job
        await asyncio.sleep(0.1)
    raise AssertionError("the job never ended")


async def test_nothing_is_taken_in_that_was_not_announced_or_by_nobody(database_url: str, tmp_path: Path) -> None:
    app = create_app(Settings(database_url=database_url, uploads=str(tmp_path / "uploads"), worker=False))
    server: Server = app.state.server
    async with server.running():
        key, analyst = await a_key(server, "admin"), await a_key(server, "analyst")
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")

        unknown = await client.put("/imports/none", content=CUSTOMERS, headers=key)
        sideways = await client.put("/imports/..%2f..%2fx", content=CUSTOMERS, headers=key)
        forbidden = await client.put("/imports/none", content=CUSTOMERS, headers=analyst)
        wrong = await client.post(
            "/graphql", json={"query": START, "variables": {"input": {"kind": "shoes"}}}, headers=key
        )

    assert (unknown.status_code, sideways.status_code, forbidden.status_code) == (404, 404, 403)
    assert wrong.json()["data"]["importStart"]["errors"] == [{"code": "UNKNOWN_VALUE", "path": ["kind"]}]
    assert not (tmp_path / "uploads").exists()
