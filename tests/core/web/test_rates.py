from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from regulars.clock import SettableClock
from regulars.testing.app import App

TYPENAME = {"query": "{ __typename }"}
VIEWER = {"query": "{ viewer { kind } }"}
CHANGE = {"query": 'mutation { customerCreate(input: {displayName: "Ada"}) { errors { message } } }'}
NAMES = {"query": "{ customers(first: 100) { nodes { displayName } } }"}


@pytest.fixture
def server_settings() -> dict[str, Any]:
    return {"rate_burst": 100, "rate_per_second": 20, "cors_origins": ("https://crm.example",)}


async def ask(app: App, body: dict[str, str], headers: dict[str, str] | None = None) -> httpx.Response:
    return await app.client.post("/graphql", json=body, headers=headers or {})


async def test_an_answer_tells_what_it_cost_and_what_is_left(app: App) -> None:
    answer = await ask(app, CHANGE, await app.key("admin"))

    cost = answer.json()["extensions"]["cost"]
    assert cost["remaining"] == 100 - cost["requested"]
    assert answer.headers["ratelimit-policy"] == '"points";q=100;w=5'
    assert answer.headers["ratelimit"] == f'"points";r={cost["remaining"]};t={-(-cost["requested"] // 20)}'


async def test_whoever_spent_all_waits_and_nothing_is_done_meanwhile(app: App, clock: SettableClock) -> None:
    key = await app.key("admin")
    await ask(app, CHANGE, key)
    await ask(app, CHANGE, key)
    before = len(await app.events("customer.created"))

    refused = await ask(app, CHANGE, key)
    told = len(await app.events("customer.created"))
    clock.advance(timedelta(seconds=int(refused.headers["retry-after"])))
    later = await ask(app, CHANGE, key)

    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["extensions"]["code"]) == (429, "RATE_LIMITED")
    assert "Nothing was done." in error["message"]
    assert told == before
    assert (later.status_code, len(await app.events("customer.created"))) == (200, before + 1)


async def test_one_credential_does_not_spend_what_another_one_has(app: App) -> None:
    spent, other = await app.key("admin"), await app.key("admin")
    await ask(app, CHANGE, spent)
    await ask(app, CHANGE, spent)

    answers = [await ask(app, CHANGE, spent), await ask(app, CHANGE, other)]

    assert [answer.status_code for answer in answers] == [429, 200]


async def test_requests_without_credentials_are_counted_by_address(app: App) -> None:
    statuses = [(await ask(app, VIEWER)).status_code for _ in range(101)]

    assert statuses == [200] * 100 + [429]
    assert (await ask(app, VIEWER, await app.key("analyst"))).status_code == 200


async def test_keys_that_do_not_hold_are_counted_by_address(app: App) -> None:
    statuses = [(await ask(app, VIEWER, {"authorization": f"Bearer {uuid4()}"})).status_code for _ in range(101)]

    assert statuses == [401] * 100 + [429]


async def test_a_document_in_error_costs_a_point(app: App) -> None:
    key = await app.key("analyst")

    answer = await ask(app, {"query": "{ nonsense }"}, key)

    assert answer.headers["ratelimit"].startswith('"points";r=99;')


async def test_what_costs_more_than_is_left_at_all_times_is_let_in_once(app: App) -> None:
    key = await app.key("analyst")

    first, second = await ask(app, NAMES, key), await ask(app, TYPENAME, key)

    assert first.json()["extensions"]["cost"]["requested"] > 100
    assert (first.status_code, second.status_code) == (200, 429)


async def test_a_page_of_a_listed_origin_may_read_what_is_left(app: App) -> None:
    answer = await ask(app, TYPENAME, {"origin": "https://crm.example"})

    assert {"ratelimit", "ratelimit-policy", "retry-after"} <= set(
        answer.headers["access-control-expose-headers"].split(", ")
    )


@pytest.mark.parametrize("server_settings", [{"rate_per_second": 0}])
async def test_an_operator_may_set_no_limit(app: App) -> None:
    answers = [await ask(app, VIEWER) for _ in range(3)]

    assert [answer.json()["extensions"]["cost"]["remaining"] for answer in answers] == [None] * 3
    assert "ratelimit" not in answers[-1].headers
