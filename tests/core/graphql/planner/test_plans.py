"""An operation is answered by one statement, whatever its page holds."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from regulars.graphql.protocol.transport import GraphQLOperation
from regulars.testing.app import App
from regulars.testing.promises.fields import counted_statements
from regulars.testing.shop import Happening

PAGE = """query ($first: Int!, $after: String) { customers(first: $first, after: $after) {
  totalCount pageInfo { hasNextPage endCursor }
  edges { cursor node { id displayName
    identities { kind value }
    touchpoints(first: 2) { totalCount nodes { amount { amount currency } customer { id } } }
    consents { status event { reason } }
  } }
} }"""


@pytest.fixture
async def shop(core: App) -> App:
    """Give five customers with as many orders as their number says."""
    now = core.clock.now()
    await core.ingest(
        {f"Nr {number}": [Happening(now - timedelta(days=day), "9.50") for day in range(number)] for number in range(5)}
    )
    return core


@pytest.mark.parametrize("first", [1, 5])
async def test_a_page_takes_one_statement(shop: App, first: int) -> None:
    with counted_statements(shop) as statements:
        await shop.gql(PAGE, {"first": first})

    assert len(statements) == 1


async def test_a_page_carries_no_column_that_nobody_reads(shop: App) -> None:
    with counted_statements(shop) as statements:
        await shop.gql("{ customers(first: 2) { nodes { touchpoints(first: 2) { nodes { channel } } } } }")

    assert "channel" in statements[0]
    assert [column for column in ("display_name", "payload", "external_id") if column in statements[0]] == []


async def test_the_next_page_follows_by_the_cursor(shop: App) -> None:
    first = (await shop.gql(PAGE, {"first": 3}))["customers"]

    second = (await shop.gql(PAGE, {"first": 3, "after": first["pageInfo"]["endCursor"]}))["customers"]

    names = [edge["node"]["displayName"] for page in (first, second) for edge in page["edges"]]
    assert sorted(names) == ["Nr 0", "Nr 1", "Nr 2", "Nr 3", "Nr 4"]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    assert first["totalCount"] == 5


async def test_an_operation_with_a_resolver_is_executed(shop: App) -> None:
    answer = await shop.gql("{ customers(first: 1) { nodes { id } } viewer { kind } }")

    assert answer["viewer"] == {"kind": "staff"}
    assert len(answer["customers"]["nodes"]) == 1


async def test_an_admin_can_see_how_a_page_is_answered(shop: App) -> None:
    told = [await report(shop, PAGE, as_="admin") for _ in range(2)]

    assert [each["mode"] for each in told] == ["planned", "planned"]
    assert [each["statements"] for each in told] == [1, 1]
    assert [each["cacheHit"] for each in told] == [False, True]
    assert told[0]["sqlHash"] == told[1]["sqlHash"]


async def test_an_admin_can_see_which_field_stands_in_the_way(shop: App) -> None:
    told = await report(shop, "{ viewer { kind } }", as_="admin")

    assert (told["mode"], told["opaqueFields"]) == ("executed", ["Query.viewer"])


async def test_nobody_else_sees_how_a_page_is_answered(shop: App) -> None:
    assert await report(shop, PAGE, as_="analyst") is None


async def test_introspection_is_executed_once(shop: App) -> None:
    ask = "{ __schema { queryType { name fields { name } } } }"

    first, second = [await shop.gql(ask, as_=role) for role in ("admin", "frontline")]

    assert first == second
    assert (await shop.ask(ask, as_="anonymous"))["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_switch_turns_the_planner_off(shop: App) -> None:
    executor = await shop.server.executor()

    with executor.without_planner():
        await shop.gql(PAGE, {"first": 2})

    assert executor.planner.counts.planned == 0


async def report(app: App, query: str, *, as_: str) -> Any:
    executor = await app.server.executor()
    operation = GraphQLOperation(query, None, {"first": 2}, {"plan": True})
    answer = orjson.loads((await executor.answer(operation, actor=app.actor(as_))).body)
    return answer["extensions"].get("plan")


VISIT = """mutation ($customer: ID!, $at: DateTime!) {
  touchpointRecord(input: {customerId: $customer, type: "visit", occurredAt: $at}) { errors { message } }
}"""
VISITS = '{ touchpoints(where: {type: {eq: "visit"}}) { nodes { occurredAt } } }'


@pytest.mark.parametrize("fraction", ["000000", "120000", "123000", "123450", "123456", "000001"])
async def test_a_moment_is_written_with_six_digits(shop: App, fraction: str) -> None:
    [customer] = (await shop.gql("{ customers(first: 1) { nodes { id } } }"))["customers"]["nodes"]
    moment = f"2020-02-03T04:05:06.{fraction}Z"
    await shop.gql(VISIT, {"customer": customer["id"], "at": moment})

    answer = await shop.gql(VISITS)

    assert answer["touchpoints"]["nodes"] == [{"occurredAt": moment}]
