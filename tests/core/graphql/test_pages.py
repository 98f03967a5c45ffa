from typing import Any

import pytest
from tests.core.graphql.shop import Sale, open_shop

from regulars.testing.app import App

NAMES = ["Ada", "", "Bob", "Ada", "Cleo"]


async def numbered_shop(core: App) -> None:
    shop = {f"{name} {number}" if name else "": [Sale(number)] for number, name in enumerate(NAMES * 4)}
    await open_shop(core.database, core.clock.now(), shop)


async def walk(core: App, order: str, forward: bool) -> list[Any]:
    size, cursor, more = ("first", "after", "hasNextPage") if forward else ("last", "before", "hasPreviousPage")
    seen: list[Any] = []
    place = ""
    for _ in range(20):
        page = (
            await core.gql(
                f"""{{ customers({size}: 4 {place} {order}) {{
                  nodes {{ id }} edges {{ cursor }}
                  pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""
            )
        )["customers"]
        ids = [node["id"] for node in page["nodes"]]
        seen = seen + ids if forward else ids + seen
        if not page["pageInfo"][more]:
            return seen
        at = page["pageInfo"]["endCursor" if forward else "startCursor"]
        place = f'{cursor}: "{at}"'
    raise AssertionError("the pages never end")


@pytest.mark.parametrize(
    "order",
    [
        "",
        "orderBy: [{field: DISPLAY_NAME}]",
        "orderBy: [{field: DISPLAY_NAME, direction: DESC, nulls: FIRST}]",
        "orderBy: [{field: STATUS}, {field: DISPLAY_NAME, direction: DESC}, {field: CREATED_AT}]",
    ],
)
async def test_pages_in_both_directions_show_everything_once_in_one_order(core: App, order: str) -> None:
    await numbered_shop(core)

    forward = await walk(core, order, forward=True)
    backward = await walk(core, order, forward=False)

    assert len(forward) == len(set(forward)) == 17
    assert forward == backward


async def test_an_order_puts_rows_without_a_value_where_it_says(core: App) -> None:
    await open_shop(core.database, core.clock.now(), {"Bob": [], "": [], "Ada": []})

    found = await core.gql(
        """{ last: customers(orderBy: [{field: DISPLAY_NAME}]) { nodes { displayName } }
             first: customers(orderBy: [{field: DISPLAY_NAME, nulls: FIRST}]) { nodes { displayName } } }"""
    )

    assert [node["displayName"] for node in found["last"]["nodes"]] == ["Ada", "Bob", None]
    assert [node["displayName"] for node in found["first"]["nodes"]] == [None, "Ada", "Bob"]


async def test_a_cursor_of_another_query_is_refused(core: App) -> None:
    await numbered_shop(core)
    page = await core.gql("{ customers(first: 2) { pageInfo { endCursor } } }")
    cursor = page["customers"]["pageInfo"]["endCursor"]

    answer = await core.ask(
        f'{{ customers(first: 2, after: "{cursor}", where: {{language: {{eq: "en"}}}}) {{ nodes {{ id }} }} }}'
    )

    assert answer["data"] == {"customers": None}
    assert answer["errors"][0]["extensions"]["code"] == "FOREIGN_CURSOR"


@pytest.mark.parametrize("cursor", ["", "x", "W10", "bm90IGpzb24", "WyJ4Il0", "%%%"])
async def test_a_made_up_cursor_is_refused(core: App, cursor: str) -> None:
    answer = await core.ask("query($c: String) { customers(after: $c) { nodes { id } } }", {"c": cursor})

    assert answer["data"] == {"customers": None}
    assert answer["errors"][0]["extensions"]["code"] == "FOREIGN_CURSOR"


@pytest.mark.parametrize("size", [0, -1, 101, 10_000])
async def test_a_page_outside_1_to_100_is_refused(core: App, size: int) -> None:
    answer = await core.ask(f"{{ customers(first: {size}) {{ nodes {{ id }} }} }}")

    assert answer.get("data") is None
    assert "between 1 and 100" in answer["errors"][0]["message"]


async def test_first_and_last_together_are_refused(core: App) -> None:
    answer = await core.ask("{ customers(first: 1, last: 1) { nodes { id } } }")

    assert answer["data"] == {"customers": None}
    assert "not both" in answer["errors"][0]["message"]


async def test_each_customer_has_a_page_of_their_own(core: App) -> None:
    await open_shop(core.database, core.clock.now(), {"Ada": [Sale(3), Sale(1), Sale(2)], "Bob": [], "Cleo": [Sale(9)]})

    found = await core.gql(
        """{ customers(orderBy: [{field: DISPLAY_NAME}]) { nodes { displayName
             touchpoints(first: 2) { totalCount nodes { occurredAt } pageInfo { hasNextPage } } } } }"""
    )

    ada, bob, cleo = (node["touchpoints"] for node in found["customers"]["nodes"])
    assert [node["occurredAt"] for node in ada["nodes"]] == [
        "2026-03-01T12:00:00.000000Z",
        "2026-02-28T12:00:00.000000Z",
    ]
    assert (ada["totalCount"], ada["pageInfo"]["hasNextPage"]) == (3, True)
    assert (bob["totalCount"], bob["nodes"], bob["pageInfo"]["hasNextPage"]) == (0, [], False)
    assert (cleo["totalCount"], cleo["pageInfo"]["hasNextPage"]) == (1, False)


async def test_a_nested_page_goes_on_after_its_cursor(core: App) -> None:
    await open_shop(core.database, core.clock.now(), {"Ada": [Sale(1), Sale(2), Sale(3)]})
    query = """query($after: String) { customers { nodes {
      touchpoints(first: 2, after: $after) { nodes { occurredAt } pageInfo { endCursor hasNextPage } } } } }"""

    first = (await core.gql(query))["customers"]["nodes"][0]["touchpoints"]
    second = (await core.gql(query, {"after": first["pageInfo"]["endCursor"]}))["customers"]["nodes"][0]["touchpoints"]

    assert [node["occurredAt"] for node in second["nodes"]] == ["2026-02-27T12:00:00.000000Z"]
    assert second["pageInfo"]["hasNextPage"] is False
