import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import select
from sqlmodel import col
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from tests.core.signin.browsing import Browser

from regulars.access.actors import SYSTEM
from regulars.jobs.models import Job
from regulars.jobs.service import enqueue_job
from regulars.plugins.contributions import Pages
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.joining.discovery import FoundPlugin, found_plugin
from regulars.plugins.manifest import Grants, Permission, PluginManifest
from regulars.segments.models import Segment
from regulars.testing.app import App
from regulars.web.console.frame import page_response

MANIFEST = PluginManifest(
    id="tastings",
    version="1.0",
    title="Tastings",
    summary="Evenings with wine.",
    hook_api=">=1.0,<2",
    implementation="regulars_tastings.plugin",
    permissions=(Permission("tastings:read", "See tastings", ("analyst",)),),
    grants=Grants(write=("segment",)),
)


async def guests(request: Request) -> Response:
    return page_response(request, "console/problem.html", {"detail": "<b>&", "request_id": "1"}, title="Guests")


async def invite(request: Request) -> Response:
    ctx, form = request.state.ctx, await request.form()
    now = ctx.clock.now()
    ctx.session.add(Segment(name=str(form["name"]), where={}, created_at=now, updated_at=now))
    return PlainTextResponse("invited")


async def crash(request: Request) -> Response:
    raise RuntimeError("a secret")


class Tastings:
    @hookimpl
    def pages(self) -> Pages:
        routes = [
            Route("/", guests, name="guests"),
            Route("/invite", invite, name="invite", methods=["POST"]),
            Route("/crash", crash, name="crash"),
        ]
        permissions = {"guests": "tastings:read", "invite": "tastings:read", "crash": "public"}
        return Pages(
            routes,
            permissions,
            titles={"guests": "Guests"},
            templates="regulars.web.console:templates",
            static="regulars.web:static/pages",
        )


@pytest.fixture
def plugins() -> Sequence[FoundPlugin]:
    return [found_plugin(MANIFEST, hooks=Tastings())]


@pytest_asyncio.fixture
async def browser(app: App) -> AsyncIterator[Browser]:
    browser = Browser(app)
    yield browser
    await browser.close()


async def sign_in(app: App, browser: Browser, role: str = "admin") -> None:
    key = (await app.key(role))["authorization"].removeprefix("Bearer ")
    assert (await browser.sign_in(key)).status_code == 303


def words(page: str) -> str:
    """Return what a person reads on a page, in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.partition("<main")[2]).split())


async def segments(app: App) -> list[str]:
    async with app.database.reading() as session:
        return list(await session.scalars(select(col(Segment.name))))


async def running_job(app: App, **values: Any) -> UUID:
    async with app.database.writing() as session:
        queued = await enqueue_job(
            session, kind="core.import", key="1", actor=SYSTEM.label, now=app.clock.now() - timedelta(minutes=2)
        )
        job = await session.get_one(Job, queued.id)
        for name, value in values.items():
            setattr(job, name, value)
    return job.id


async def job_status(app: App, id: UUID) -> tuple[str, bool]:
    async with app.database.reading() as session:
        job = await session.get_one(Job, id)
        return job.status, job.is_cancel_requested


async def test_the_start_page_lists_plugins_and_their_pages(app: App, browser: Browser) -> None:
    await sign_in(app, browser)

    page = (await browser.visit("/console")).text

    assert '<a href="/console" aria-current="page">Start</a>' in page
    assert '<h3><a href="/plugins/tastings/">Guests</a></h3>' in page
    assert "Guests Evenings with wine." in words(page)
    assert "Plugins Tastings On" in words(page)


async def test_nobody_is_shown_what_they_may_not_see(app: App, browser: Browser) -> None:
    await sign_in(app, browser, "frontline")

    page = (await browser.visit("/console")).text

    assert "/plugins/tastings/" not in page
    assert "Jobs" not in words(page)
    assert "Plugins" not in words(page)
    assert "Nothing here for you yet" in words(page)


async def test_a_plugin_that_fails_waits_for_somebody_with_the_reason(app: App, browser: Browser) -> None:
    await sign_in(app, browser)
    app.server.host.fail("tastings", "It lost its cellar.")

    page = words((await browser.visit("/console")).text)

    assert "Waiting for somebody Tastings: failed It lost its cellar." in page
    assert "Plugins Tastings Failed It lost its cellar." in page


async def test_a_running_job_shows_how_far_it_is_and_can_be_cancelled(app: App, browser: Browser) -> None:
    await sign_in(app, browser)
    job_id = await running_job(
        app, status="RUNNING", done=250, total=1000, started_at=app.clock.now() - timedelta(minutes=1)
    )

    page = (await browser.visit("/console")).text
    answer = await browser.send(f"/console/jobs/{job_id}/cancel")
    after = words((await browser.visit("/console")).text)

    assert 'max="1000" value="250">250 of 1,000</progress>' in page
    assert "250 of 1,000. Started 2 March 2026 at 11:59, about 3 minutes left." in words(page)
    assert (answer.status_code, await job_status(app, job_id)) == (303, ("RUNNING", True))
    assert "Stopping" in after


async def test_a_job_is_not_cancelled_without_the_forms_token_or_the_permission(app: App, browser: Browser) -> None:
    job_id = await running_job(app, status="RUNNING")
    await sign_in(app, browser)
    without_token = await browser.client.post(f"/console/jobs/{job_id}/cancel")
    await browser.visit("/console")
    await browser.send("/console/sign-out")
    await sign_in(app, browser, "analyst")
    await browser.visit("/console")
    without_permission = await browser.send(f"/console/jobs/{job_id}/cancel")

    assert (without_token.status_code, without_permission.status_code) == (403, 403)
    assert "<h1>Nothing was changed</h1>" in without_token.text
    assert "<h1>This is not for you</h1>" in without_permission.text
    assert await job_status(app, job_id) == ("RUNNING", False)


async def test_a_button_after_the_visit_has_ended_says_to_sign_in_again(app: App, browser: Browser) -> None:
    job_id = await running_job(app, status="RUNNING")
    await sign_in(app, browser)
    await browser.visit("/console")
    browser.client.cookies.clear()

    answer = await browser.send(f"/console/jobs/{job_id}/cancel")

    assert answer.status_code == 401
    assert "<h1>You are not signed in</h1>" in answer.text
    assert "Nothing was changed. Sign in, then repeat your change." in words(answer.text)
    assert '<a href="/console">' in answer.text
    assert await job_status(app, job_id) == ("RUNNING", False)


async def test_a_failed_job_waits_for_somebody(app: App, browser: Browser) -> None:
    await sign_in(app, browser)
    await running_job(app, status="FAILED", problem="The file is gone.", ended_at=app.clock.now())

    page = words((await browser.visit("/console")).text)

    assert "Waiting for somebody Import" in page
    assert "failed The file is gone." in page


async def test_a_plugins_page_stands_in_the_frame_and_its_values_are_escaped(app: App, browser: Browser) -> None:
    await sign_in(app, browser, "analyst")

    page = await browser.visit("/plugins/tastings/")

    assert '<a href="/plugins/tastings/" aria-current="page">Guests</a>' in page.text
    assert "<title>Guests – Your company</title>" in page.text
    assert "&lt;b&gt;&amp;" in page.text


async def test_a_plugins_form_needs_the_token_of_the_browser(app: App, browser: Browser) -> None:
    await sign_in(app, browser, "analyst")
    await browser.visit("/plugins/tastings/")

    foreign = await browser.client.post("/plugins/tastings/invite", data={"name": "Foreign"})
    own = await browser.send("/plugins/tastings/invite", name="Own")
    by_script = await browser.client.post(
        "/plugins/tastings/invite", data={"name": "Script"}, headers={"x-form-token": browser.form_token}
    )

    assert (foreign.status_code, own.text, by_script.text) == (403, "invited", "invited")
    assert sorted(await segments(app)) == ["Own", "Script"]


async def test_a_key_in_a_header_needs_no_form_token(app: App) -> None:
    answer = await app.client.post(
        "/plugins/tastings/invite", data={"name": "By key"}, headers=await app.key("analyst")
    )

    assert (answer.status_code, await segments(app)) == (200, ["By key"])


async def test_a_plugins_files_are_served_to_everybody(app: App) -> None:
    found = await app.client.get("/plugins/tastings/static/tokens.css")
    outside = await app.client.get("/plugins/tastings/static/../graphiql/index.html")

    assert (found.status_code, found.headers["cache-control"]) == (200, "public, max-age=300")
    assert outside.status_code == 404


async def test_a_page_that_crashes_names_its_plugin_on_a_page(app: App, browser: Browser) -> None:
    page = await browser.visit("/plugins/tastings/crash")

    assert (page.status_code, page.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert "The plugin tastings could not show this page." in words(page.text)
    assert "secret" not in page.text


@pytest.mark.parametrize("path", ["/console/nothing", "/plugins/nothing/", "/plugins/tastings/nothing", "/nothing"])
async def test_a_page_that_does_not_exist_says_so_on_a_page(browser: Browser, path: str) -> None:
    page = await browser.visit(path)

    assert (page.status_code, "There is no such page" in words(page.text)) == (404, True)


@pytest.mark.parametrize("path", ["/console", "/console/sign-in", "/plugins/tastings/", "/console/nothing"])
async def test_pages_let_no_inline_script_and_no_other_server_in(app: App, browser: Browser, path: str) -> None:
    await sign_in(app, browser)

    page = await browser.visit(path)
    page = await browser.visit("/console") if page.status_code == 303 else page

    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert (page.headers["x-frame-options"], page.headers["cache-control"]) == ("DENY", "no-store")
    assert re.findall(r"<script|style=|onclick|https?://", page.text) == []


async def test_the_root_leads_to_the_console(browser: Browser) -> None:
    answer = await browser.visit("/")

    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
