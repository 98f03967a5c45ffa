import base64
from typing import Any

import pytest

from regulars.company.logos import checked_logo
from regulars.errors import InvalidInput
from regulars.testing.app import App
from regulars.web.server import Server

COMPANY = "{ company { name timeZone currency languages supportAddress accent logoPath version } }"
UPDATE = """mutation ($input: CompanyUpdateInput!) {
  companyUpdate(input: $input) { company { name accent logoPath version } errors { path code message } }
}"""
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


def data_address(content: bytes = PNG, type: str = "image/png") -> str:
    return f"data:{type};base64,{base64.b64encode(content).decode()}"


async def update(app: App, **changes: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await app.gql(UPDATE, {"input": changes}))["companyUpdate"]
    return answer


async def company(app: App) -> dict[str, Any]:
    told: dict[str, Any] = (await app.gql(COMPANY))["company"]
    return told


@pytest.fixture
def server_settings() -> dict[str, Any]:
    return {"company_name": "Corner Shop", "company_time_zone": "Europe/Berlin"}


async def test_a_company_that_said_nothing_is_as_the_operator_says(app: App) -> None:
    assert await company(app) == {
        "name": "Corner Shop",
        "timeZone": "Europe/Berlin",
        "currency": "EUR",
        "languages": ["en"],
        "supportAddress": None,
        "accent": None,
        "logoPath": None,
        "version": 0,
    }


async def test_what_a_company_says_outranks_the_operator_and_null_goes_back(app: App) -> None:
    await update(app, name=" Wine Shop ", languages=["fr", "en", "fr"], supportAddress="help@shop.test")
    changed = await company(app)
    await update(app, name=None, languages=None)
    back = await company(app)

    assert (changed["name"], changed["languages"], changed["version"]) == ("Wine Shop", ["fr", "en"], 1)
    assert (back["name"], back["languages"], back["supportAddress"]) == ("Corner Shop", ["en"], "help@shop.test")
    assert [event.data["changed"] for event in await app.events("company.updated")] == [
        ["languages", "name", "support_address"],
        ["languages", "name"],
    ]


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"name": " "}, "name", "INVALID"),
        ({"timeZone": "Berlin"}, "timeZone", "INVALID"),
        ({"currency": "eur"}, "currency", "UNKNOWN_VALUE"),
        ({"languages": ["english, please"]}, "languages", "INVALID"),
        ({"supportAddress": "help"}, "supportAddress", "INVALID"),
        ({"accent": "#ffcc00"}, "accent", "TOO_LITTLE_CONTRAST"),
        ({"logo": data_address(b"<svg onload=alert(1)>", "image/svg+xml")}, "logo", "INVALID"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_changes(
    app: App, changes: dict[str, Any], path: str, code: str
) -> None:
    (error,) = (await update(app, **({"currency": "USD"} | changes)))["errors"]

    assert (error["path"], error["code"]) == ([path], code)
    assert ((await company(app))["version"], await app.events("company.updated")) == (0, [])


async def test_two_people_do_not_overwrite_one_another(app: App) -> None:
    first = await update(app, name="First", expectedVersion=0)
    second = await update(app, name="Second", expectedVersion=0)

    assert (first["errors"], [error["code"] for error in second["errors"]]) == ([], ["CONFLICT"])
    assert (await company(app))["name"] == "First"


async def test_other_processes_follow(app: App) -> None:
    other = Server(app.server.settings, clock=app.clock, found=())
    async with other.running():
        await update(app, name="Wine Shop", timeZone="Europe/Paris")
        await other.refresh_company()

        assert (other.company.name, other.company.time_zone) == ("Wine Shop", "Europe/Paris")


async def test_pages_wear_the_companys_colour_and_logo(app: App) -> None:
    logo = data_address()
    await update(app, accent="#7A2048", logo=logo, supportAddress="help@shop.test")
    await app.server.refresh_company()

    page = await app.client.get("/console/sign-in")
    colours = await app.client.get("/company/colours.css")
    picture = await app.client.get("/company/logo")

    assert '<img class="logo" src="/company/logo?v=1" alt="">' in page.text
    assert '<link rel="stylesheet" href="/company/colours.css?v=1">' in page.text
    assert "help@shop.test" in page.text
    assert ("--action: #7a2048;" in colours.text, colours.headers["content-type"]) == (True, "text/css; charset=utf-8")
    assert (picture.content, picture.headers["content-type"]) == (PNG, "image/png")
    assert "sandbox" in picture.headers["content-security-policy"]


async def test_without_a_logo_there_is_none(app: App) -> None:
    assert (await app.client.get("/company/logo")).status_code == 404
    assert (await app.client.get("/company/colours.css")).text == ""


@pytest.mark.parametrize("role", ["analyst", "frontline", "privacy"])
async def test_only_admins_change_the_company(app: App, role: str) -> None:
    answer = await app.ask(UPDATE, {"input": {"name": "Wine Shop"}}, as_=role)

    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await company(app))["name"] == "Corner Shop"


@pytest.mark.parametrize(
    ("logo", "reason"),
    [
        ("https://elsewhere.test/logo.png", "data address"),
        (data_address(b"<script>"), "is something else"),
        (data_address(PNG + b"0" * 200 * 1024), "is the limit"),
        (data_address()[:-1], "cut off"),
    ],
)
def test_a_logo_is_a_small_picture(logo: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        checked_logo(logo)
