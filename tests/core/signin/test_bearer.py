import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs
from tests.core.signin.provider import Provider, after, forged

from regulars.access.actors import SYSTEM
from regulars.access.models import StaffMember
from regulars.access.staff import disable_staff_member
from regulars.clock import SettableClock
from regulars.signin.models import StaffIdentity
from regulars.testing.app import App

VIEWER = {"query": "{ viewer { kind name permissions } }"}


async def ask(app: App, headers: dict[str, str]) -> httpx.Response:
    return await app.client.post("/graphql", json=VIEWER, headers=headers)


async def refusal(app: App, headers: dict[str, str]) -> str:
    """Return why these headers are refused; nobody was taken up by them."""
    answer = await ask(app, headers)
    assert answer.status_code == 401
    assert (await staff(app), await app.events("staff_member.created")) == ([], [])
    return str(answer.json()["errors"][0]["message"])


async def staff(app: App) -> list[StaffMember]:
    async with app.database.reading() as session:
        return list(await session.scalars(select(StaffMember)))


async def test_a_token_of_the_issuer_lets_a_colleague_in_with_the_role_of_their_group(
    app: App, provider: Provider
) -> None:
    viewer = (await ask(app, provider.bearer())).json()["data"]["viewer"]

    assert (viewer["kind"], viewer["name"]) == ("staff", "Ada")
    assert "segments:write" in viewer["permissions"]
    assert "customers:write" not in viewer["permissions"]


async def test_a_token_signed_on_a_curve_does_as_well(app: App, provider: Provider) -> None:
    assert (await ask(app, provider.bearer(key="ec"))).status_code == 200


async def test_whoever_comes_again_is_the_same_colleague(app: App, provider: Provider) -> None:
    await ask(app, provider.bearer())
    after(provider, minutes=3)
    await ask(app, provider.bearer())

    people = await staff(app)
    assert [(person.name, person.role) for person in people] == [("Ada", "analyst")]
    assert [event.subject for event in await app.events("staff_member.created")] == [f"staff:{people[0].id}"]


async def test_ten_first_requests_at_once_take_up_one_colleague(app: App, provider: Provider) -> None:
    answers = await asyncio.gather(*(ask(app, provider.bearer(jti=str(number))) for number in range(10)))

    async with app.database.reading() as session:
        identities = await session.scalar(select(func.count()).select_from(StaffIdentity))
    assert [answer.status_code for answer in answers] == [200] * 10
    assert (len(await staff(app)), identities) == (1, 1)


async def test_two_subjects_are_two_colleagues_though_they_share_a_name(app: App, provider: Provider) -> None:
    await ask(app, provider.bearer())
    await ask(app, provider.bearer(sub="ada-2"))

    assert [person.name for person in await staff(app)] == ["Ada", "Ada"]


async def test_the_issuers_word_about_the_role_counts_at_the_next_token(app: App, provider: Provider) -> None:
    await ask(app, provider.bearer())
    promoted = await ask(app, provider.bearer(groups=["crm-admins", "crm-analysts"], name="Ada Byron"))

    assert "plugins:manage" in promoted.json()["data"]["viewer"]["permissions"]
    assert [(person.name, person.role) for person in await staff(app)] == [("Ada Byron", "admin")]
    assert len(await app.events("staff_member.changed")) == 1


async def test_a_token_without_a_name_changes_none(app: App, provider: Provider) -> None:
    await ask(app, provider.bearer())
    await ask(app, provider.bearer(name=None, email=None, jti="2"))

    assert [person.name for person in await staff(app)] == ["Ada"]


async def test_nobody_comes_in_without_a_group_that_gives_a_role(app: App, provider: Provider) -> None:
    assert "gives a role here" in await refusal(app, provider.bearer(groups=["everybody"]))


async def test_a_colleague_who_was_let_go_stays_out(app: App, provider: Provider, clock: SettableClock) -> None:
    await ask(app, provider.bearer())
    (ada,) = await staff(app)
    async with app.database.writing() as session:
        await disable_staff_member(session, staff_member_id=ada.id, actor=SYSTEM, now=clock.now())
    after(provider, seconds=6)

    answer = await ask(app, provider.bearer())

    assert (answer.status_code, "no longer let in" in answer.text) == (401, True)
    assert len(await staff(app)) == 1


async def test_whoever_has_no_token_that_holds_is_refused_and_leaves_nothing_behind(
    app: App, provider: Provider
) -> None:
    unsigned = forged({"alg": "none"}, provider.claims())
    expired = int(provider.clock.now().timestamp()) - 61

    reasons = [
        await refusal(app, {"authorization": f"Bearer {unsigned}"}),
        await refusal(app, provider.bearer(exp=expired)),
        await refusal(app, provider.bearer(aud="https://elsewhere.test")),
        await refusal(app, provider.bearer(iss="https://elsewhere.test")),
    ]

    assert [reason.removeprefix("This token is not accepted: ").partition(".")[0] for reason in reasons] == [
        "it is not signed by one of RS256, PS256, ES256",
        "it has expired",
        "it was made for somebody else than this server",
        "it comes from another issuer",
    ]


async def test_a_token_that_was_let_in_ends_when_it_expires(app: App, provider: Provider) -> None:
    headers = provider.bearer()
    first = await ask(app, headers)
    provider.clock.advance(timedelta(seconds=361))

    assert (first.status_code, (await ask(app, headers)).status_code) == (200, 401)


async def test_an_issuer_that_never_answered_lets_nobody_in_and_keys_still_work(app: App, provider: Provider) -> None:
    provider.is_silent = True

    with capture_logs():
        answer = await ask(app, provider.bearer())

    assert "answered 503. API keys still work." in answer.json()["errors"][0]["message"]
    assert (await ask(app, await app.key("analyst"))).status_code == 200


class TestWithoutAnAudience:
    @pytest.fixture
    def server_settings(self, server_settings: dict[str, Any]) -> dict[str, Any]:
        return server_settings | {"oidc_audience": ""}

    async def test_the_api_takes_no_tokens(self, app: App, provider: Provider) -> None:
        assert "takes keys in its API" in await refusal(app, provider.bearer(aud=""))
