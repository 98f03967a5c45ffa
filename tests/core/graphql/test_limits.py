import time
from itertools import product

import pytest
from graphql import get_introspection_query
from hypothesis import given
from hypothesis import strategies as st
from tests.core.graphql.small_app import SCHEMA

from regulars.graphql.documents.flattening import read_definitions
from regulars.graphql.documents.limits import Limits, compile_price
from regulars.graphql.documents.parsing import parse_document
from regulars.graphql.documents.pricing import OperationPrice
from regulars.graphql.documents.refusals import (
    DocumentRefused,
    FragmentCycle,
    IntrospectionRefused,
    OperationNameRequired,
    OperationNotFound,
    QueryTooDeep,
    TooManyComparisons,
    TooManySelections,
)

SMALL = Limits(depth=4, aliases=3, directives=3, root_fields=3, mutations=2, nesting=9, comparisons=10, selections=40)


def compiled(text: str, limits: Limits = SMALL, operation_name: str | None = None) -> OperationPrice:
    return compile_price(SCHEMA, parse_document(text), operation_name, limits)


def around(inside: str) -> str:
    return f"touchpoints(first: 1) {{ nodes {{ customer {{ {inside} }} }} }}"


def bomb(*, depth: int, spread: int) -> str:
    """A chain of fragments, each spreading the next one several times."""
    levels = [
        f"fragment F{level} on Customer {{ {' '.join([f'... {{ ...F{level + 1} }}'] * spread)} }}"
        for level in range(depth)
    ]
    return " ".join(["{ customers { nodes { ...F0 } } }", *levels, f"fragment F{depth} on Customer {{ id }}"])


@pytest.mark.parametrize(
    "text",
    [
        '{ customer(id: "1") { touchpoints { nodes { id } } } }',
        '{ customer(id: "1") { ...A } } fragment A on Customer { touchpoints { nodes { id } } }',
        '{ customer(id: "1") { ' + "... { " * 6 + "id" + " }" * 6 + " } }",
        "{ a: __typename b: __typename c: __typename }",
        "query @a { __typename @skip(if: false) @include(if: true) }",
        "{ __typename tags ...A } fragment A on Query { tags }",
        'mutation { a: rename(name: "a") { id } b: rename(name: "b") { id } }',
        '{ customer(id: "1") { ' + "id " * 5 + "} }",
        '{ customer(id: "1") { ' + "...A " * 3 + "} } fragment A on Customer { name }",
        "{ " + " ".join(f"unknown{number}" for number in range(3)) + " }",
    ],
)
def test_an_operation_within_every_limit_gets_a_price(text: str) -> None:
    assert compiled(text).price({}).requested >= 0


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ('{ customer(id: "1") { ' + around("id") + " } }", "QUERY_TOO_DEEP", "5 levels deep; at most 4"),
        (
            '{ customer(id: "1") { ...A } } fragment A on Customer { ' + around("id") + " }",
            "QUERY_TOO_DEEP",
            "5 levels deep; at most 4",
        ),
        ('{ customer(id: "1") { ' + "... { " * 9 + "id" + " }" * 9 + " } }", "QUERY_TOO_DEEP", "11 levels deep"),
        ('{ customer(id: "1") { a: id b: id c: id d: id } }', "TOO_MANY_ALIASES", "4 aliases; at most 3"),
        (
            'fragment A on Customer { a: id b: id } { customer(id: "1") { ...A ... { ...A } } }',
            "TOO_MANY_ALIASES",
            "4 aliases",
        ),
        ("{ tags } fragment Unused on Customer { a: id b: id c: id d: id }", "TOO_MANY_ALIASES", "Fragment Unused"),
        ("query A($v: Int @a) @a { tags @skip(if: true) @b }", "TOO_MANY_DIRECTIVES", "Operation A uses 4"),
        ("{ ...A @a ...A @a } fragment A on Query @b { tags }", "TOO_MANY_DIRECTIVES", "4 directives; at most 3"),
        (
            "{ __typename tags ...A } fragment A on Query { tags t: tags }",
            "TOO_MANY_ROOT_FIELDS",
            "4 fields at the top",
        ),
        (
            'mutation { a: rename(name: "a") { id } b: rename(name: "b") { id } c: rename(name: "c") { id } }',
            "TOO_MANY_MUTATIONS",
            "3 changes; at most 2",
        ),
        ('{ customer(id: "1") { ' + "id " * 6 + "} }", "TOO_MANY_REPEATED_FIELDS", "15 comparisons; at most 10"),
        (
            '{ customer(id: "1") { ' + "touchpoints { nodes { id } } " * 4 + "} }",
            "TOO_MANY_REPEATED_FIELDS",
            "18 comparisons",
        ),
        (
            '{ customer(id: "1") { '
            + " ".join(f"...F{number}" for number in range(6))
            + " } } "
            + " ".join(f"fragment F{number} on Customer {{ f{number} }}" for number in range(6)),
            "TOO_MANY_REPEATED_FIELDS",
            "15 comparisons",
        ),
        ("{ " + "__typename " * 41 + "}", "TOO_MANY_SELECTIONS", "41 fields and fragments"),
        (
            "{ ...A } fragment A on Query { tags } fragment A on Query { " + "tags " * 41 + "}",
            "TOO_MANY_SELECTIONS",
            "43 fields and fragments",
        ),
    ],
)
def test_a_limit_that_is_exceeded_is_named_with_the_figures(text: str, code: str, words: str) -> None:
    with pytest.raises(DocumentRefused) as refusal:
        compiled(text)

    assert refusal.value.code == code
    assert words in str(refusal.value)


def test_an_operation_that_is_not_run_must_keep_the_limits_too() -> None:
    with pytest.raises(TooManyComparisons):
        compiled('query A { tags } query B { customer(id: "1") { ' + "id " * 6 + "} }", operation_name="A")


def test_repetitions_of_all_operations_count_together() -> None:
    repeated = '{ customer(id: "1") { id id id id } }'

    with pytest.raises(TooManyComparisons, match="checking them takes 12 comparisons"):
        compiled(f"query A {repeated} query B {repeated}", operation_name="A")


def test_the_operation_is_chosen_by_name() -> None:
    text = "query Cheap { tags } query Dear { customers { nodes { id } } }"

    assert compiled(text, operation_name="Cheap").price({}).requested == 0
    assert compiled(text, operation_name="Dear").price({}).requested == 26


def test_an_unknown_operation_is_refused() -> None:
    with pytest.raises(OperationNotFound, match="no operation named Lost"):
        compiled("query A { tags } query B { tags }", operation_name="Lost")


def test_a_document_without_operations_is_refused() -> None:
    with pytest.raises(OperationNotFound, match="has no operation"):
        compiled("fragment A on Query { tags }")


def test_several_operations_need_a_name() -> None:
    with pytest.raises(OperationNameRequired):
        compiled("query A { tags } query B { tags }")


@pytest.mark.parametrize(
    ("text", "loop"),
    [
        ("{ ...A } fragment A on Query { ...A }", "A → A"),
        ("{ ...A } fragment A on Query { ...B } fragment B on Query { tags ... { ...A } }", "A → B → A"),
        ("{ tags } fragment A on Query { ...B } fragment B on Query { ...B }", "B → B"),
    ],
)
def test_a_fragment_cycle_is_refused_with_its_path(text: str, loop: str) -> None:
    with pytest.raises(FragmentCycle) as refusal:
        compiled(text)

    assert loop in str(refusal.value)


@pytest.mark.parametrize(("depth", "spread"), [(5, 4), (20, 2), (60, 3), (120, 2), (120, 4)])
def test_a_fragment_bomb_is_measured_without_being_unfolded(depth: int, spread: int) -> None:
    definitions = read_definitions(parse_document(bomb(depth=depth, spread=spread)))

    # Each level holds `spread` inline fragments and as many spreads; customers, nodes and ...F0 come on top.
    levels = sum(2 * spread * spread**level for level in range(depth))
    assert definitions.flattened_size == 3 + levels + spread**depth


@pytest.mark.parametrize(("depth", "spread"), [(5, 4), (20, 2), (60, 3), (120, 2), (120, 4)])
def test_a_fragment_bomb_is_refused_in_a_quarter_second_of_cpu_time(depth: int, spread: int) -> None:
    text = bomb(depth=depth, spread=spread)
    started = time.process_time()

    with pytest.raises(TooManySelections):
        compiled(text, Limits())

    assert time.process_time() - started <= 0.25


def test_nine_hundred_repeated_fields_are_refused_before_validation() -> None:
    with pytest.raises(TooManyComparisons, match="404,550 comparisons"):
        compiled("{ customers { nodes { " + "id " * 900 + "} } }", Limits())


def test_a_long_chain_of_fragments_is_refused_rather_than_followed_by_recursion() -> None:
    chain = " ".join(f"fragment F{number} on Query {{ ...F{number + 1} }}" for number in range(300))

    with pytest.raises(QueryTooDeep, match="with fragments, is 302 levels deep"):
        compiled("{ ...F0 } " + chain + " fragment F300 on Query { tags }", Limits())


_OPTIONS = ("descriptions", "specified_by_url", "directive_is_repeatable", "schema_description", "one_of")


@pytest.mark.parametrize("flags", list(product([True, False], repeat=len(_OPTIONS))))
def test_the_introspection_query_of_every_client_passes(flags: tuple[bool, ...]) -> None:
    options = dict(zip(_OPTIONS, flags, strict=True))
    # graphql-js, GraphiQL, Apollo, urql, Relay, PostGraphile and gql all send this text with one set of options.
    text = get_introspection_query(**options, input_value_deprecation=True, experimental_directive_deprecation=True)

    price = compiled(text, Limits()).price({})

    assert price.requested == 0


@pytest.mark.parametrize("type_depth", [2, 7, 9, 13])
def test_introspection_may_unwrap_types_as_deeply_as_clients_do(type_depth: int) -> None:
    assert compiled(get_introspection_query(type_depth=type_depth), Limits()).price({}).requested == 0


@pytest.mark.parametrize(
    "text",
    [
        '{ __type(name: "Customer") { fields { name type { fields { name } } } } }',
        "{ __schema { queryType { fields { type { fields { name } } } } } }",
        '{ a: __type(name: "Customer") { name } b: __type(name: "Query") { name } tags }',
    ],
)
def test_a_look_at_one_type_and_its_neighbours_passes(text: str) -> None:
    assert compiled(text, Limits()).price({}).requested == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{ __schema { types { fields { type { fields { name } } } } } }", "stand inside one another 3 deep"),
        (
            "{ __schema { types { ...T } } } fragment T on __Type { interfaces { ...U } } "
            "fragment U on __Type { possibleTypes { name } }",
            "3 deep",
        ),
        ("{ __schema { types { fields { type { enumValues { name } } } } } }", "3 deep"),
        ("{ a: __schema { types { name } } b: __schema { types { name } } }", "asked for 2 times"),
        ("{ __schema { a: types { name } b: types { name } } }", "cannot be renamed"),
        ("{ __schema { queryType { " + "ofType { " * 20 + "name" + " }" * 20 + " } } }", "23 levels deep"),
    ],
)
def test_introspection_that_loops_or_repeats_is_refused(text: str, words: str) -> None:
    with pytest.raises(IntrospectionRefused) as refusal:
        compiled(text, Limits())

    assert words in str(refusal.value)


def test_introspection_does_not_lend_its_depth_to_the_rest() -> None:
    text = "{ __schema { types { name } } customers { nodes { " + around(around(around("id"))) + " } } }"

    with pytest.raises(QueryTooDeep, match="12 levels deep"):
        compiled(text, Limits())


@given(st.lists(st.lists(st.integers(1, 8), max_size=4), min_size=1, max_size=6))
def test_the_measured_size_is_the_size_after_unfolding(steps: list[list[int]]) -> None:
    spreads = [[level + step for step in row if level + step < len(steps)] for level, row in enumerate(steps)]

    def unfolded(level: int) -> int:
        return 1 + sum(1 + unfolded(inner) for inner in spreads[level])

    fragments = [
        f"fragment F{level} on Query {{ tags {' '.join(f'...F{inner}' for inner in row)} }}"
        for level, row in enumerate(spreads)
    ]
    text = " ".join([f"{{ {' '.join(f'...F{level}' for level in range(len(spreads)))} }}", *fragments])

    size = read_definitions(parse_document(text)).flattened_size

    assert size == sum(1 + unfolded(level) for level in range(len(spreads)))
