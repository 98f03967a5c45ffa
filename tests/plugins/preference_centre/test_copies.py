import io
import re
import zipfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.plugins.preference_centre.page import Page, down_link, opened, somebody

from regulars.privacy.requests import PRIVACY_JOB
from regulars.testing.app import App

FILE = re.compile(r'href="(/preferences/copies/[^"]*)"')
STATUS = "query ($id: ID!) { customer(id: $id) { status } }"
REQUESTS = "{ privacyRequests { nodes { kind status actor } } }"


@pytest.fixture
def server_settings(tmp_path: Path) -> dict[str, Any]:
    """Let files lie where the test ends with them."""
    return {"uploads": str(tmp_path / "uploads"), "erasures": str(tmp_path / "erasures.jsonl")}


async def test_a_copy_is_made_and_fetched_while_the_page_is_open(app: App) -> None:
    anna = await somebody(app)

    async with opened(app, anna) as page:
        await page.send("copies/copy")
        assert "Being made since 2 March 2026" in page.text
        await app.run_job(PRIVACY_JOB)
        await page.get()
        (path,) = FILE.findall(page.shown.text)
        file = await page.client.get(path)

    assert file.headers["content-type"] == "application/zip"
    assert file.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert set(archive.namelist()) == {"data.json", "index.html"}
        assert b"anna@example.org" in archive.read("data.json")


async def test_asking_twice_makes_one_copy(app: App) -> None:
    anna = await somebody(app)

    async with opened(app, anna) as page:
        await page.send("copies/copy")
        await page.send("copies/copy")

    asked = (await app.gql(REQUESTS))["privacyRequests"]["nodes"]
    assert asked == [{"kind": "export", "status": "open", "actor": f"customer:{anna}"}]


async def test_the_file_for_another_company_holds_what_was_told_here(app: App) -> None:
    anna = await somebody(app)

    async with opened(app, anna) as page:
        await page.send("copies/move")
        await app.run_job(PRIVACY_JOB)
        await page.get()
        (path,) = FILE.findall(page.shown.text)
        file = await page.client.get(path)

    told = orjson.loads(file.content)
    assert file.headers["content-type"] == "application/json"
    assert "core_customer_identity" in [part["part"] for part in told["parts"]]


async def test_a_file_opens_for_nobody_else_and_after_the_visit_for_nobody(app: App) -> None:
    anna, berta = await somebody(app), await somebody(app, "Berta", "berta@example.org")

    async with opened(app, anna) as page:
        await page.send("copies/copy")
        await app.run_job(PRIVACY_JOB)
        await page.get()
        (path,) = FILE.findall(page.shown.text)
        async with opened(app, berta, "berta@example.org") as other:
            others = await other.client.get(path)
        await page.send("close")
        later = await page.client.get(path)

    assert others.status_code == 404
    assert later.status_code == 403
    assert later.headers["content-type"].startswith("text/html")


async def test_erasing_says_first_what_goes_and_then_ends_the_visit(app: App) -> None:
    anna = await somebody(app)

    async with opened(app, anna) as page:
        await page.get("/preferences/erase")
        assert "What stays A fingerprint of each address" in page.text
        before = (await app.gql(REQUESTS))["privacyRequests"]["nodes"]

        answer = await page.send("copies/erase")
        assert answer.url.path == "/preferences/erased"
        assert "We are erasing you" in page.text
        await page.get()
        assert "Send me the link" in page.text

    await app.run_job(PRIVACY_JOB)
    assert before == []
    assert (await app.gql(STATUS, {"id": str(anna)}))["customer"]["status"] == "erased"


async def test_the_link_of_a_message_copies_moves_and_erases_nothing(app: App) -> None:
    anna = await somebody(app)
    link = down_link(app, anna)

    async with app.browser() as client:
        page = Page(client)
        await page.get(link)
        answers = [(await client.post(f"{link}/copies/{name}")).status_code for name in ("copy", "move", "erase")]
        erase = await client.get("/preferences/erase")

    assert answers == [404, 404, 404]
    assert erase.status_code == 403
    assert "Copy, move, erase" not in page.text
    assert (await app.gql(REQUESTS))["privacyRequests"]["nodes"] == []


async def test_looking_at_the_page_of_an_erasure_erases_nothing(app: App) -> None:
    anna = await somebody(app)

    async with opened(app, anna) as page:
        await page.get("/preferences/erase")
        await page.get("/preferences/erased")
        await page.get("/preferences/copies/erase")

    assert (await app.gql(REQUESTS))["privacyRequests"]["nodes"] == []


async def test_a_reference_that_is_none_is_not_shown(app: App) -> None:
    async with app.browser() as client:
        answer = await client.get("/preferences/erased", params={"reference": "call 555 now"})

    assert answer.status_code == 200
    assert "555" not in answer.text
