from typing import Any

import pytest
from tests.core.graphql.shop import Sale, open_shop

from regulars.testing.app import App

SHOP = {
    "Ada": [Sale(1, "10.00"), Sale(2, "20.00"), Sale(3, "-5.00", type="refund")],
    "Bob": [Sale(5, "0.10"), Sale(40, "0.20")],
    "Cleo": [Sale(9, type="visit", channel="in_person")],
    "100%_sure": [],
    "": [Sale(1, "7.00")],
}

CASES: list[tuple[dict[str, Any], set[str | None]]] = [
    ({"displayName": {"eq": "Ada"}}, {"Ada"}),
    ({"displayName": {"ne": "Ada"}}, {"Bob", "Cleo", "100%_sure", None}),
    ({"displayName": {"in": ["Ada", "Bob"]}}, {"Ada", "Bob"}),
    ({"displayName": {"in": []}}, set()),
    ({"displayName": {"notIn": ["Ada", "Bob"]}}, {"Cleo", "100%_sure", None}),
    ({"displayName": {"notIn": []}}, {"Ada", "Bob", "Cleo", "100%_sure", None}),
    ({"displayName": {"isNull": True}}, {None}),
    ({"displayName": {"isNull": False}}, {"Ada", "Bob", "Cleo", "100%_sure"}),
    ({"displayName": {"eq": None}}, {None}),
    ({"displayName": {"contains": "%_S"}}, {"100%_sure"}),
    ({"displayName": {"startsWith": "a"}}, {"Ada"}),
    ({"displayName": {"startsWith": "a", "contains": "x"}}, set()),
    ({"displayName": {}}, {"Ada", "Bob", "Cleo", "100%_sure", None}),
    ({"AND": []}, set()),
    ({"OR": []}, set()),
    ({"OR": [{"displayName": {"eq": "Ada"}}, {"displayName": {"eq": "Bob"}}]}, {"Ada", "Bob"}),
    ({"AND": [{"displayName": {"ne": "Ada"}}, {"displayName": {"isNull": False}}]}, {"Bob", "Cleo", "100%_sure"}),
    ({"NOT": {"displayName": {"eq": "Ada"}}}, {"Bob", "Cleo", "100%_sure"}),
    ({"touchpoints": {"some": {"type": {"eq": "refund"}}}}, {"Ada"}),
    ({"touchpoints": {"none": {"type": {"eq": "order"}}}}, {"Cleo", "100%_sure"}),
    ({"touchpoints": {"every": {"channel": {"eq": "web"}}}}, {"Ada", "Bob", "100%_sure", None}),
    ({"touchpoints": {"some": {"amount": {"gte": "10", "lt": "20"}}}}, {"Ada"}),
    ({"touchpoints": {"some": {"customer": {"displayName": {"eq": "Bob"}}}}}, {"Bob"}),
    ({"touchpoints": {"some": {"occurredAt": {"lt": "2026-02-01T12:00:00Z"}}}}, {"Bob"}),
    ({"touchpointSummary": {"types": ["order"], "count": {"gte": 2}}}, {"Ada", "Bob"}),
    ({"touchpointSummary": {"count": {"eq": 0}}}, {"100%_sure"}),
    ({"touchpointSummary": {"currency": "EUR", "amount": {"eq": "0.3"}}}, {"Bob"}),
    ({"touchpointSummary": {"currency": "EUR", "amount": {"eq": "25"}}}, {"Ada"}),
    ({"touchpointSummary": {"lastAt": {"lt": "2026-02-22T12:00:00Z"}}}, {"Cleo"}),
    ({"touchpointSummary": {"since": "2026-02-28T00:00:00Z", "count": {"gt": 0}}}, {"Ada", None}),
]


@pytest.mark.parametrize(("where", "expected"), CASES, ids=[str(where) for where, _ in CASES])
async def test_a_filter_finds_exactly_its_customers(
    core: App, where: dict[str, Any], expected: set[str | None]
) -> None:
    await open_shop(core.database, core.clock.now(), SHOP)

    found = await core.gql(
        "query($where: CustomerWhere!) { customers(where: $where) { totalCount nodes { displayName } } }",
        {"where": where},
    )

    names = [node["displayName"] for node in found["customers"]["nodes"]]
    assert set(names) == expected
    assert found["customers"]["totalCount"] == len(names) == len(expected)


@pytest.mark.parametrize("condition", [{"startsWith": "özge"}, {"startsWith": "ÖZGE S"}, {"contains": "STRAẞE"}])
async def test_capital_letters_of_any_script_count_as_small_ones(core: App, condition: dict[str, str]) -> None:
    await open_shop(core.database, core.clock.now(), {"Özge Straße": [], "Ozge": []})

    found = await core.gql(
        "query($name: StringFilter!) { customers(where: {displayName: $name}) { nodes { displayName } } }",
        {"name": condition},
    )

    assert found["customers"]["nodes"] == [{"displayName": "Özge Straße"}]


async def test_an_unknown_key_of_a_filter_is_an_error(core: App) -> None:
    answer = await core.ask("{ customers(where: {nickname: {eq: 1}}) { totalCount } }")

    assert "data" not in answer
    assert "nickname" in answer["errors"][0]["message"]


async def test_amounts_of_several_currencies_are_not_summed(core: App) -> None:
    answer = await core.ask("{ customers(where: {touchpointSummary: {amount: {gt: 1}}}) { totalCount } }")

    assert answer["data"] == {"customers": None}
    assert "currency" in answer["errors"][0]["message"]


async def test_a_segment_is_used_inside_filters_and_inside_other_segments(core: App) -> None:
    await open_shop(core.database, core.clock.now(), SHOP)
    create = """mutation($input: SegmentCreateInput!) {
      segmentCreate(input: $input) { segment { id name where } errors { code message path } } }"""
    buyers = (
        await core.gql(
            create,
            {"input": {"name": "Buyers", "where": {"touchpoints": {"some": {"amount": {"gt": "0.15"}}}}}},
        )
    )["segmentCreate"]["segment"]
    quiet = (
        await core.gql(
            create,
            {
                "input": {
                    "name": "Quiet buyers",
                    "where": {
                        "segments": {"anyOf": [buyers["id"]]},
                        "touchpointSummary": {"since": "2026-02-27T00:00:00Z", "count": {"eq": 0}},
                    },
                }
            },
        )
    )["segmentCreate"]["segment"]

    found = await core.gql(
        """query($quiet: ID!, $buyers: ID!) {
          quiet: customers(where: {segments: {anyOf: [$quiet]}}) { nodes { displayName } }
          others: customers(where: {segments: {noneOf: [$buyers]}}) { nodes { displayName } }
        }""",
        {"quiet": quiet["id"], "buyers": buyers["id"]},
    )

    assert found["quiet"]["nodes"] == [{"displayName": "Bob"}]
    assert [node["displayName"] for node in found["others"]["nodes"]] == ["Cleo", "100%_sure"]


async def test_a_segment_cannot_come_to_contain_itself(core: App) -> None:
    made = await core.gql(
        """mutation { segmentCreate(input: {name: "A", where: {displayName: {eq: "A"}}}) { segment { id } } }"""
    )
    id = made["segmentCreate"]["segment"]["id"]

    answer = await core.gql(
        """mutation($id: ID!) {
          segmentUpdate(input: {id: $id, where: {segments: {anyOf: [$id]}}}) { segment { id } errors { code } } }""",
        {"id": id},
    )
    kept = await core.gql("query($id: ID!) { segment(id: $id) { where version } }", {"id": id})

    assert answer["segmentUpdate"] == {"segment": None, "errors": [{"code": "CIRCULAR_SEGMENT"}]}
    assert kept["segment"] == {"where": {"displayName": {"eq": "A"}}, "version": 1}


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ('{createdAt: {gt: "monday"}}', "'monday' is no moment. Write it as text, such as \"2026-03-02T12:00:00Z\"."),
        ('{createdAt: {gt: "2026-03-02"}}', "The moment '2026-03-02' has no zone. Add Z or an offset such as +01:00."),
        (
            '{touchpointSummary: {amount: {gt: "1,5"}}}',
            "'1,5' is no decimal. Write it as text, such as \"12.50\".",
        ),
    ],
)
async def test_a_value_that_cannot_be_read_is_repeated_with_its_place(core: App, where: str, words: str) -> None:
    query = f"{{ customers(where: {where}) {{ totalCount }} }}"

    answer = await core.ask(query)

    (error,) = answer["errors"]
    assert error["message"] == words
    assert error["locations"] == [{"line": 1, "column": query.index('"') + 1}]
