from collections.abc import Mapping

import pytest
from graphql import ExecutionResult, build_schema, execute_sync
from tests.core.graphql.small_app import SCHEMA

from regulars.fields.prices import FieldPrice
from regulars.graphql.documents.limits import CUSTOMER_LIMITS, Limits, compile_price
from regulars.graphql.documents.parsing import parse_document
from regulars.graphql.documents.pricing import Price
from regulars.graphql.documents.refusals import (
    DocumentRefused,
    PageSizeRefused,
    QueryTooExpensive,
    SizeUnknown,
    TooManyNodes,
)


def priced(text: str, variables: Mapping[str, object] | None = None, limits: Limits | None = None) -> Price:
    return compile_price(SCHEMA, parse_document(text), None, limits or Limits()).price(variables or {})


@pytest.mark.parametrize(
    ("text", "points", "nodes"),
    [
        ("{ __typename }", 0, 0),
        ("{ tags }", 0, 0),
        ('{ customer(id: "1") { id name } }', 1, 1),
        ("{ customers { totalCount } }", 1, 0),
        ("{ customers { nodes { id } } }", 26, 25),
        ("{ customers(first: 50) { nodes { id } } }", 51, 50),
        ("{ customers(first: 2) { edges { node { id } } } }", 5, 4),
        ("{ customers(first: 2) { nodes { touchpoints(first: 3) { nodes { id } } } } }", 1 + 2 + 2 + 6, 2 + 6),
        ("{ customers(first: 2) { ...C } } fragment C on CustomerConnection { nodes { id } }", 3, 2),
        ("{ customers(first: 2) { ... on CustomerConnection { nodes { id } } } }", 3, 2),
        ("{ customers(first: 2) { nodes { id } more: nodes { id } } }", 5, 4),
        ("{ customers(first: 2, last: 7) { nodes { id } } }", 8, 7),
        ("{ customers(first: 7, last: 2) { nodes { id } } }", 8, 7),
        ("{ customers(first: null) { nodes { id } } }", 26, 25),
        ("{ customers(page: {first: 3}) { nodes { id } } }", 4, 3),
        ("{ customers(page: {}) { nodes { id } } }", 11, 10),
        ("{ customers(page: null) { nodes { id } } }", 26, 25),
        ("{ purposes { id } }", 14, 7),
        ('{ nodes(ids: ["1", "2"]) { id } }', 2, 2),
        ('{ nodes(ids: "1") { id } }', 1, 1),
        ("{ nodes(ids: []) { id } }", 0, 0),
        ('mutation { rename(name: "Ada") { id } }', 10, 1),
        ("{ customers(first: 2) { nodes @skip(if: true) { id } } }", 3, 2),
        ("{ customers(first: 2) { nodes { unknown { deeper } } } }", 3, 2),
    ],
)
def test_an_operation_costs_what_it_asks_for(text: str, points: int, nodes: int) -> None:
    assert priced(text) == Price(points, nodes)


@pytest.mark.parametrize(
    ("definition", "page", "variables", "rows"),
    [
        ("$n: Int", "first: $n", {"n": 7}, 7),
        ("$n: Int", "first: $n", {"n": 7.0}, 7),
        ("$n: Int", "first: $n", {"n": None}, 25),
        ("$n: Int", "first: $n", {}, 25),
        ("$n: Int = 9", "first: $n", {}, 9),
        ("$n: Int = 9", "first: $n", {"n": 7}, 7),
        ("$n: Int = 9", "first: $n", {"n": None}, 25),
        ("$n: Int = null", "first: $n", {}, 25),
        ("$n: Int", "last: $n", {"n": 7}, 7),
        ("$n: Int", "first: 3, last: $n", {"n": 7}, 7),
        ("$n: Int", "first: 30, last: $n", {"n": 7}, 30),
        ("$n: Int", "page: {first: $n}", {"n": 7}, 7),
        ("$n: Int", "page: {first: $n}", {}, 10),
        ("$p: PageInput", "page: $p", {"p": {"first": 7}}, 7),
        ("$p: PageInput", "page: $p", {"p": {}}, 10),
        ("$p: PageInput", "page: $p", {"p": None}, 25),
        ("$p: PageInput = {first: 8}", "page: $p", {}, 8),
    ],
)
def test_a_page_size_is_read_from_the_variables(
    definition: str, page: str, variables: Mapping[str, object], rows: int
) -> None:
    price = priced(f"query ({definition}) {{ customers({page}) {{ nodes {{ id }} }} }}", variables)

    assert price.nodes == rows


def test_a_compiled_price_follows_the_variables_of_each_request() -> None:
    text = "query ($n: Int!) { customers(first: $n) { nodes { touchpoints(first: $n) { nodes { id } } } } }"
    compiled = compile_price(SCHEMA, parse_document(text), None, Limits())

    assert compiled.price({"n": 2}) == Price(1 + 2 + 2 + 4, 2 + 4)
    assert compiled.price({"n": 10}) == Price(1 + 10 + 10 + 100, 10 + 100)


def test_the_length_of_a_list_variable_is_the_size() -> None:
    text = "query ($ids: [ID!]! = [1, 2]) { nodes(ids: $ids) { id } }"

    assert priced(text, {"ids": ["1", "2", "3"]}).nodes == 3
    assert priced(text, {"ids": "1"}).nodes == 1
    assert priced(text, {}).nodes == 2


@pytest.mark.parametrize("size", [0, -1, 101, 2**31, 10**30])
@pytest.mark.parametrize(
    "text",
    [
        "{ customers(first: SIZE) { totalCount } }",
        "{ customers(page: {first: SIZE}) { totalCount } }",
        "query ($n: Int = SIZE) { customers(last: $n) { totalCount } }",
        "query ($n: Int = SIZE) { customers(last: $n) { nodes { id } } }",
    ],
)
def test_a_page_size_out_of_range_in_the_document_is_refused(text: str, size: int) -> None:
    with pytest.raises(PageSizeRefused) as refusal:
        priced(text.replace("SIZE", str(size)))

    assert (refusal.value.code, refusal.value.size) == ("PAGE_SIZE_OUT_OF_RANGE", size)


@pytest.mark.parametrize("size", [0, -1, 101, 2**31, 10**30])
@pytest.mark.parametrize("selection", ["totalCount", "nodes { id }"])
def test_a_page_size_out_of_range_in_a_variable_is_refused(selection: str, size: int) -> None:
    with pytest.raises(PageSizeRefused):
        priced(f"query ($n: Int) {{ customers(first: $n) {{ {selection} }} }}", {"n": size})
    with pytest.raises(PageSizeRefused):
        priced(f"query ($p: PageInput) {{ customers(page: $p) {{ {selection} }} }}", {"p": {"first": size}})


def test_a_page_size_out_of_range_is_explained() -> None:
    with pytest.raises(PageSizeRefused) as refusal:
        priced("{ customers(first: 500) { nodes { id } } }")

    assert str(refusal.value).startswith("first must be between 1 and 100; it is 500.")


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ('{ customers(first: "10") { nodes { id } } }', {}),
        ("{ customers(first: 1.5) { nodes { id } } }", {}),
        ("{ customers(first: [5]) { nodes { id } } }", {}),
        ("{ customers(first: {a: 1}) { nodes { id } } }", {}),
        ("{ customers(first: MANY) { nodes { id } } }", {}),
        ("{ customers(first: $undefined) { nodes { id } } }", {"undefined": 5}),
        ("query ($n: Int) { customers(first: $n) { nodes { id } } }", {"n": "10"}),
        ("query ($n: Int) { customers(first: $n) { nodes { id } } }", {"n": True}),
        ("query ($n: Int) { customers(first: $n) { nodes { id } } }", {"n": 1.5}),
        ("query ($n: Int) { customers(first: $n) { nodes { id } } }", {"n": [5]}),
        ("query ($p: PageInput) { customers(page: $p) { nodes { id } } }", {"p": [1]}),
    ],
)
def test_a_size_that_cannot_be_told_is_refused_and_never_free(text: str, variables: Mapping[str, object]) -> None:
    with pytest.raises(SizeUnknown) as refusal:
        priced(text, variables)

    assert refusal.value.code == "SIZE_UNKNOWN"


def test_nested_pages_are_refused_before_they_multiply() -> None:
    text = "{ customers(first: 100) { nodes { touchpoints(first: 100) { nodes { id } } } } }"

    with pytest.raises(QueryTooExpensive) as refusal:
        priced(text)

    assert (refusal.value.actual, refusal.value.allowed) == (1 + 100 + 100 + 10_000, 5_000)
    assert "asks for 10,201 points; at most 5,000" in str(refusal.value)


def test_customers_may_spend_less() -> None:
    text = "{ customers(first: 40) { nodes { touchpoints { nodes { id } } } } }"
    compiled = compile_price(SCHEMA, parse_document(text), None, Limits())

    assert compiled.price({}).requested == 1_081
    with pytest.raises(QueryTooExpensive):
        compiled.price({}, cost_limit=CUSTOMER_LIMITS.cost)


def test_rows_without_a_price_are_still_counted() -> None:
    schema = build_schema("type Query { many: [Row!]! } type Row { id: ID! rows: [Row!]! }")
    assert schema.query_type is not None
    schema.query_type.fields["many"].extensions["regulars"] = FieldPrice(cost=0, assumed_size=20_000)
    compiled = compile_price(schema, parse_document("{ many { id } }"), None, Limits())

    with pytest.raises(TooManyNodes) as refusal:
        compiled.price({})

    assert refusal.value.actual == 20_000


def test_a_list_of_lists_is_as_long_as_both() -> None:
    schema = build_schema("type Query { grid: [[Cell!]!]! } type Cell { id: ID! }")

    price = compile_price(schema, parse_document("{ grid { id } }"), None, Limits()).price({})

    assert price.nodes == 25 * 25


@pytest.mark.parametrize(
    "text",
    [
        "{ customers(first: 4) { nodes { id touchpoints(first: 3) { nodes { customer { id } } } } } }",
        "{ customers(last: 5) { edges { node { touchpoints { totalCount nodes { id } } } } } }",
        "{ customers(page: {first: 2}) { nodes { id } } nodes(ids: [1, 2, 3]) { id } }",
    ],
)
def test_an_answer_never_holds_more_rows_than_were_priced(text: str) -> None:
    answer = execute_sync(SCHEMA, parse_document(text))

    assert answer.errors is None
    assert _rows(answer) <= priced(text).nodes


def _rows(answer: ExecutionResult) -> int:
    waiting: list[object] = [answer.data]
    rows = 0
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        if isinstance(value, list):
            rows += len(value)
            waiting.extend(value)
    return rows


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("{ nodes { id } }", {}),
        ("{ nodes(ids: null) { id } }", {}),
        ("query ($ids: [ID!]) { nodes(ids: $ids) { id } }", {}),
    ],
)
def test_no_list_asks_for_no_rows(text: str, variables: Mapping[str, object]) -> None:
    assert priced(text, variables).nodes == 0


def test_a_list_argument_that_the_operation_does_not_define_is_refused() -> None:
    with pytest.raises(DocumentRefused, match=r"\$ids is not defined"):
        priced("{ nodes(ids: $ids) { id } }")


def test_a_price_takes_its_size_from_one_place() -> None:
    with pytest.raises(ValueError, match="one place only"):
        FieldPrice(sized=True, assumed_size=3)


def test_a_price_is_never_negative() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        FieldPrice(cost=-1)
