import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from tests.core.plugins.fakes import gold

from regulars.customers.models import Customer
from regulars.idempotency.models import KeptAnswer
from regulars.idempotency.service import erase_answers, keyed_request
from regulars.testing.app import App
from regulars.testing.fixtures import MakeApp

CREATE = """mutation ($name: String!, $key: String) {
  customerCreate(input: {displayName: $name, idempotencyKey: $key}) {
    customer { id displayName } errors { code path }
  }
}"""
TWO = """mutation {
  a: customerCreate(input: {displayName: "Anna", idempotencyKey: "one"}) { errors { code } }
  ...more
}
fragment more on Mutation {
  b: customerCreate(input: {displayName: "Berta", idempotencyKey: "two"}) { errors { code } }
}
"""
WITHDRAW = """mutation ($id: ID!, $at: DateTime) {
  consentWithdraw(input: {customerId: $id, purpose: "*", channel: "*", reason: "no", at: $at}) { errors { code } }
}"""


@pytest.fixture
async def headers(app: App) -> dict[str, str]:
    return await app.key("frontline")


async def send(
    app: App, headers: dict[str, str], name: str = "Anna", key: str | None = None, query: str = CREATE, **variables: Any
) -> httpx.Response:
    given = headers if key is None else {**headers, "idempotency-key": key}
    return await app.client.post(
        "/graphql", headers=given, json={"query": query, "variables": {"name": name, **variables}}
    )


async def customers(app: App) -> int:
    async with app.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(Customer)) or 0


def refusal(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["errors"][0]["extensions"]["code"]


async def test_the_same_key_gets_the_same_answer_and_has_one_effect(app: App, headers: dict[str, str]) -> None:
    first = await send(app, headers, key="k1")
    again = await send(app, headers, key="k1")

    assert first.json()["data"]["customerCreate"]["errors"] == []
    assert again.content == first.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await customers(app) == 1
    assert len(await app.events("customer.created")) == 1


async def test_the_key_can_stand_in_the_input(app: App, headers: dict[str, str]) -> None:
    query = CREATE.replace("$key}", '"k1"}').replace(", $key: String", "")
    first = await send(app, headers, query=query)
    again = await send(app, headers, query=query)

    assert again.content == first.content
    assert await customers(app) == 1


async def test_a_key_in_a_variable_with_a_default_counts_too(app: App, headers: dict[str, str]) -> None:
    query = CREATE.replace("$key: String", '$key: String = "k1"')
    first = await send(app, headers, query=query)
    again = await send(app, headers, query=query)

    assert again.content == first.content
    assert await customers(app) == 1


async def test_another_content_under_the_same_key_is_refused(app: App, headers: dict[str, str]) -> None:
    await send(app, headers, "Anna", key="k1")

    other = await send(app, headers, "Berta", key="k1")

    assert refusal(other) == (422, "IDEMPOTENCY_CONFLICT")
    assert await customers(app) == 1


async def test_the_keys_of_two_credentials_are_two_keys(app: App, headers: dict[str, str]) -> None:
    await send(app, headers, "Anna", key="k1")
    other = await send(app, await app.key("privacy"), "Anna", key="k1")

    assert other.status_code == 200
    assert await customers(app) == 2


async def test_while_the_first_is_worked_on_the_second_is_told_to_wait(app: App, headers: dict[str, str]) -> None:
    actor = await app.server.actor(headers["authorization"])

    with app.server.keys_in_flight.held(keyed_request(actor, "k1")):
        meanwhile = await send(app, headers, key="k1")
        others = await send(app, headers, key="k2")

    assert refusal(meanwhile) == (409, "IDEMPOTENCY_IN_FLIGHT")
    assert others.status_code == 200
    assert await customers(app) == 1


async def test_a_failure_before_any_effect_is_not_kept(app: App, headers: dict[str, str]) -> None:
    anna = str(await app.add_customer("Anna"))
    in_two_days = (app.clock.now() + timedelta(days=2)).isoformat()
    refused = await send(app, headers, key="k1", query=WITHDRAW, id=anna, at=in_two_days)
    app.clock.advance(timedelta(days=2))

    done = await send(app, headers, key="k1", query=WITHDRAW, id=anna, at=in_two_days)

    assert refused.json()["data"]["consentWithdraw"]["errors"] == [{"code": "OUT_OF_RANGE"}]
    assert done.json()["data"]["consentWithdraw"]["errors"] == []


async def test_a_request_with_two_keys_is_refused(app: App, headers: dict[str, str]) -> None:
    response = await app.client.post("/graphql", headers=headers, json={"query": TWO})

    assert refusal(response) == (200, "INVALID")
    assert await customers(app) == 0


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
async def test_a_key_that_is_none_is_refused(app: App, headers: dict[str, str], key: str) -> None:
    asked = {"query": CREATE, "variables": {"name": "Anna", "key": key}}
    response = await app.client.post("/graphql", headers=headers, json=asked)

    assert refusal(response) == (200, "INVALID")
    assert await customers(app) == 0


async def test_a_query_needs_no_key_and_keeps_no_answer(app: App, headers: dict[str, str]) -> None:
    await send(app, headers, key="k1", query="query ($name: String) { __typename }")

    async with app.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(KeptAnswer)) == 0


async def test_after_48_hours_the_key_is_free_again(app: App, headers: dict[str, str]) -> None:
    await send(app, headers, key="k1")
    app.clock.advance(timedelta(hours=48))
    await app.run_job("core.retention")
    still = await send(app, headers, key="k1")
    app.clock.advance(timedelta(seconds=1))
    await app.run_job("core.retention")

    anew = await send(app, headers, key="k1")

    assert still.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in anew.headers
    assert await customers(app) == 2


async def test_an_answer_that_was_erased_is_not_told_and_its_effect_not_repeated(
    app: App, headers: dict[str, str]
) -> None:
    await send(app, headers, "Anna 100%", key="k1")
    await send(app, headers, "Berta", key="k2")
    async with app.database.writing() as session:
        assert await erase_answers(session, request_ids=[], words=["Anna 100%"]) == 1

    anna, berta = await send(app, headers, "Anna 100%", key="k1"), await send(app, headers, "Berta", key="k2")

    assert refusal(anna) == (410, "IDEMPOTENCY_ANSWER_ERASED")
    assert berta.headers["idempotency-replayed"] == "true"
    assert await customers(app) == 2


async def test_a_mutation_with_transactions_of_its_own_takes_a_key_too(make_app: MakeApp) -> None:
    app = await make_app(gold())
    headers = await app.key("admin")
    query = 'mutation { pluginDisable(input: {id: "gold"}) { plugin { state } errors { code } } }'

    first, again = await send(app, headers, key="k1", query=query), await send(app, headers, key="k1", query=query)

    assert first.json()["data"]["pluginDisable"]["plugin"] == {"state": "disabled"}
    assert again.headers["idempotency-replayed"] == "true"
    assert again.content == first.content


async def test_many_at_once_have_one_effect(app: App, headers: dict[str, str]) -> None:
    responses = await asyncio.gather(*(send(app, headers, key="k1") for _ in range(8)))

    last = await send(app, headers, key="k1")
    answered = {response.content for response in responses if response.status_code == 200}
    assert answered <= {last.content}
    assert {response.status_code for response in responses} <= {200, 409}
    assert await customers(app) == 1
