from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import func, select
from tests.core.signin.browsing import Browser
from tests.core.signin.provider import Provider, after

from regulars.access.actors import SYSTEM
from regulars.access.models import ApiKey, StaffMember
from regulars.access.service import revoke_key
from regulars.access.staff import disable_staff_member
from regulars.signin.models import StaffSession
from regulars.testing.app import App
from regulars.web.console.signing_in import own_path

VIEWER = {"query": "{ viewer { kind name } }"}
SESSION = "__Host-regulars-session"


@pytest_asyncio.fixture
async def browser(app: App) -> AsyncIterator[Browser]:
    browser = Browser(app)
    yield browser
    await browser.close()


async def key_of(app: App, role: str = "admin") -> str:
    return (await app.key(role))["authorization"].removeprefix("Bearer ")


async def sessions(app: App) -> int:
    async with app.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(StaffSession)) or 0


async def viewer(browser: Browser, **headers: str) -> dict[str, Any]:
    answer = await browser.client.post("/graphql", json=VIEWER, headers=headers | {"accept": "application/json"})
    told: dict[str, Any] = answer.json()
    return told


async def only(app: App, table: type[Any]) -> UUID:
    async with app.database.reading() as session:
        (id,) = (await session.scalars(select(table.id))).all()
    return UUID(str(id))


def location(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("location", "")


async def test_whoever_is_not_signed_in_is_led_to_the_sign_in_and_back(app: App, browser: Browser) -> None:
    turned_away = await browser.visit("/console?from=mail")
    signed_in = await browser.sign_in(await key_of(app), next="/console?from=mail")
    page = await browser.visit("/console")

    assert location(turned_away) == (303, "/console/sign-in?next=%2Fconsole%3Ffrom%3Dmail")
    assert location(signed_in) == (303, "/console?from=mail")
    assert (page.status_code, "Today" in page.text) == (200, True)


async def test_the_cookie_is_kept_from_scripts_from_plain_http_and_from_foreign_pages(
    app: App, browser: Browser
) -> None:
    answer = await browser.sign_in(await key_of(app))

    (cookie,) = [text for text in answer.headers.get_list("set-cookie") if text.startswith(SESSION)]
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "secure", "samesite=lax", "path=/", "max-age=43200"} <= parts
    assert not [part for part in parts if part.startswith("domain")]


async def test_the_database_does_not_know_the_token(app: App, browser: Browser) -> None:
    await browser.sign_in(await key_of(app))
    token = browser.client.cookies[SESSION]

    async with app.database.reading() as session:
        (row,) = (await session.scalars(select(StaffSession))).all()
    assert token not in repr(row.model_dump())


async def test_a_colleague_signs_in_at_the_identity_provider(app: App, browser: Browser, provider: Provider) -> None:
    back = await browser.sign_in_elsewhere(next="/console?here")
    page = await browser.visit("/console")

    assert location(back) == (303, "/console?here")
    assert "<span>Ada</span>" in page.text
    assert [event.subject for event in await app.events("session.opened")] == [f"staff:{await only(app, StaffMember)}"]


async def test_the_provider_is_asked_with_state_nonce_and_a_challenge(browser: Browser, provider: Provider) -> None:
    await browser.client.get("/console/sign-in/provider")
    first = await browser.client.get("/console/sign-in/provider")
    again = await browser.client.get("/console/sign-in/provider")

    asked = [httpx.URL(answer.headers["location"]).params for answer in (first, again)]
    assert asked[0]["redirect_uri"] == "https://regulars.test/console/sign-in/back"
    assert [len(asked[0][name]) >= 43 for name in ("state", "nonce", "code_challenge")] == [True, True, True]
    assert [name for name in ("state", "nonce", "code_challenge") if asked[0][name] == asked[1][name]] == []


async def test_an_answer_for_another_browser_is_refused(app: App, browser: Browser, provider: Provider) -> None:
    leaving = await browser.client.get("/console/sign-in/provider")
    async with httpx.AsyncClient() as outside:
        sent_back = await outside.get(leaving.headers["location"])
    other = Browser(app)

    answer = await other.client.get(sent_back.headers["location"])
    await other.close()

    assert (answer.status_code, "not begun in this browser" in answer.text) == (422, True)
    assert await sessions(app) == 0
    assert provider.codes  # nobody changed the code for a token


@pytest.mark.parametrize("query", ["?state=invented&code=x", "?code=x", "?state={state}&error=access_denied"])
async def test_an_answer_that_is_not_the_providers_is_refused(
    app: App, browser: Browser, provider: Provider, query: str
) -> None:
    leaving = await browser.client.get("/console/sign-in/provider")
    state = httpx.URL(leaving.headers["location"]).params["state"]

    answer = await browser.client.get("/console/sign-in/back" + query.format(state=state))

    assert (answer.status_code, "You are not signed in" in answer.text) == (422, True)
    assert await sessions(app) == 0


async def test_an_attempt_ends_after_ten_minutes(app: App, browser: Browser, provider: Provider) -> None:
    leaving = await browser.client.get("/console/sign-in/provider")
    async with httpx.AsyncClient() as outside:
        sent_back = await outside.get(leaving.headers["location"])
    after(provider, minutes=11)

    answer = await browser.client.get(sent_back.headers["location"])

    assert (answer.status_code, await sessions(app)) == (422, 0)


@pytest.mark.parametrize("claims", [{"nonce": "invented"}, {"nonce": None}, {"azp": "another-client"}])
async def test_a_token_for_another_attempt_or_client_is_refused(
    app: App, browser: Browser, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.id_token = claims

    answer = await browser.sign_in_elsewhere()

    assert (answer.status_code, await sessions(app)) == (422, 0)


async def test_nobody_is_sent_elsewhere_after_signing_in(app: App, browser: Browser) -> None:
    assert location(await browser.sign_in(await key_of(app), next="//elsewhere.test/console")) == (303, "/console")


@pytest.mark.parametrize(
    "path",
    [
        "https://elsewhere.test/console",
        "//elsewhere.test",
        "/\\elsewhere.test",
        "/console\\elsewhere",
        "/console\r\nset-cookie: x",
        "/console/sign-out",
        "/console/sign-in?next=/console",
        "/graphql",
        "",
        None,
    ],
)
def test_a_way_on_that_is_no_page_of_ours_becomes_the_start_page(path: str | None) -> None:
    assert own_path(path) == "/console"


@pytest.mark.parametrize("path", ["/console?week=3", "/plugins/clv/", "/plugins/clv/tiers?year=2026"])
def test_a_page_of_ours_is_gone_on_to(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize("key", ["rgl_mistyped", "", "two words"])
async def test_a_wrong_key_is_said_beside_the_field_and_signs_nobody_in(app: App, browser: Browser, key: str) -> None:
    answer = await browser.sign_in(key)

    assert answer.status_code == 422
    assert "<title>Error: Sign in" in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "keys begin with rgl_ and end with a checksum. Check that yours was copied whole." in answer.text
    assert "rgl_mistyped" not in answer.text
    assert await sessions(app) == 0


async def test_an_address_may_fail_ten_times_and_then_once_in_ten_seconds(app: App, browser: Browser) -> None:
    await browser.visit("/console/sign-in")
    tries = [(await browser.send("/console/sign-in", key="rgl_guess")).status_code for _ in range(11)]
    app.clock.advance(timedelta(seconds=10))
    later = await browser.send("/console/sign-in", key="rgl_guess")

    assert tries == [422] * 10 + [429]
    assert later.status_code == 422


async def test_colleagues_who_share_an_address_do_not_lock_one_another_out(app: App, browser: Browser) -> None:
    key = await key_of(app)

    statuses = [(await browser_of_a_colleague(app, key)).status_code for _ in range(12)]

    assert statuses == [303] * 12


async def browser_of_a_colleague(app: App, key: str) -> httpx.Response:
    """Sign in with another browser, and return the answer."""
    other = Browser(app)
    answer = await other.sign_in(key)
    await other.close()
    return answer


async def test_signing_in_anew_ends_the_session_that_was_there(app: App, browser: Browser) -> None:
    await browser.sign_in(await key_of(app))
    planted = browser.client.cookies[SESSION]
    await browser.sign_in_elsewhere()

    stolen = Browser(app)
    stolen.client.cookies.set(SESSION, planted, domain="regulars.test")
    page = await stolen.visit("/console")
    await stolen.close()

    assert browser.client.cookies[SESSION] != planted
    assert page.status_code == 303
    assert await sessions(app) == 1


async def test_signing_out_ends_it_for_every_copy_of_the_cookie(app: App, browser: Browser) -> None:
    await browser.sign_in(await key_of(app))
    token = browser.client.cookies[SESSION]
    await browser.visit("/console")

    answer = await browser.send("/console/sign-out")
    browser.client.cookies.set(SESSION, token, domain="regulars.test")

    assert (answer.status_code, "You are signed out" in answer.text) == (200, True)
    assert (await browser.visit("/console")).status_code == 303
    assert [event.type for event in await app.events() if event.type.startswith("session.")] == [
        "session.opened",
        "session.ended",
    ]


async def test_a_browser_is_signed_out_after_an_hour_without_a_visit(app: App, browser: Browser) -> None:
    await browser.sign_in(await key_of(app))

    statuses = []
    app.clock.advance(timedelta(minutes=59))
    statuses.append((await browser.visit("/console")).status_code)
    app.clock.advance(timedelta(minutes=59))
    statuses.append((await browser.visit("/console")).status_code)
    app.clock.advance(timedelta(minutes=60))
    statuses.append((await browser.visit("/console")).status_code)

    assert statuses == [200, 200, 303]


async def test_a_browser_is_signed_out_after_twelve_hours_in_any_case(app: App, browser: Browser) -> None:
    await browser.sign_in(await key_of(app))

    statuses = []
    for _ in range(24):
        app.clock.advance(timedelta(minutes=30))
        statuses.append((await browser.visit("/console")).status_code)

    assert statuses == [200] * 23 + [303]


async def test_a_colleague_who_is_let_go_is_signed_out_at_once(app: App, browser: Browser) -> None:
    await browser.sign_in_elsewhere()
    before = await browser.visit("/console")
    async with app.database.writing() as session:
        await disable_staff_member(
            session, staff_member_id=await only(app, StaffMember), actor=SYSTEM, now=app.clock.now()
        )

    assert (before.status_code, (await browser.visit("/console")).status_code) == (200, 303)


async def test_a_key_that_is_revoked_signs_out_who_came_with_it(app: App, browser: Browser) -> None:
    await browser.sign_in(await key_of(app))
    async with app.database.writing() as session:
        await revoke_key(session, key_id=await only(app, ApiKey), actor=SYSTEM, now=app.clock.now())

    assert (await browser.visit("/console")).status_code == 303


async def test_a_form_of_another_page_is_refused_and_changes_nothing(app: App, browser: Browser) -> None:
    await browser.sign_in(await key_of(app))
    await browser.visit("/console")

    answers = [
        await browser.client.post("/console/sign-out"),
        await browser.client.post("/console/sign-out", data={"form_token": "0" * 64}),
        await browser.client.post(
            "/console/sign-out", data={"form_token": browser.form_token}, headers={"sec-fetch-site": "cross-site"}
        ),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert "Nothing was changed" in answers[0].text
    assert (await browser.visit("/console")).status_code == 200


async def test_a_foreign_page_cannot_sign_a_browser_in(app: App, browser: Browser) -> None:
    answer = await browser.client.post("/console/sign-in", data={"key": await key_of(app)})

    assert (answer.status_code, await sessions(app)) == (403, 0)


async def test_the_api_takes_a_session_only_beside_the_forms_token(app: App, browser: Browser) -> None:
    await browser.sign_in(await key_of(app))
    await browser.visit("/console")

    alone = await viewer(browser)
    with_token = await viewer(browser, **{"x-form-token": browser.form_token})
    with_wrong_token = await viewer(browser, **{"x-form-token": "0" * 64})
    from_elsewhere = await viewer(browser, **{"x-form-token": browser.form_token, "sec-fetch-site": "cross-site"})

    assert alone["data"]["viewer"]["kind"] == "anonymous"
    assert with_token["data"]["viewer"] == {"kind": "service", "name": "test"}
    assert with_wrong_token["errors"][0]["extensions"]["code"] == "FORM_REFUSED"
    assert from_elsewhere["errors"][0]["extensions"]["code"] == "FORM_REFUSED"
