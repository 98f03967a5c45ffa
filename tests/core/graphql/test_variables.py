from typing import Any

import pytest
from graphql import OperationDefinitionNode, build_schema, get_operation_ast, parse
from graphql.execution import VariableValues, get_argument_values, get_variable_values
from graphql.language import FieldNode

from regulars.graphql.documents.variables import OperationVariables
from regulars.graphql.planner.arguments import Arguments

SCHEMA = build_schema("""
enum Kind { SHOP WEB }
input Range { from: Int = 3, to: Int! }
type Query {
  visits(id: ID!, kind: Kind, first: Int, range: Range): String
  shops(first: Int = 10, kind: Kind): String
}
""")
OBJECTS_SCHEMA = build_schema("""
enum Kind { SHOP WEB }
input Range { from: Int = 3, to: Int! }
input Visit { to: Int!, kind: Kind! = SHOP, note: String = "none", at: String, tags: [String!] = ["new"], range: Range }
input OneOf @oneOf { to: Int, note: String }
type Query { visited(visit: Visit, visits: [Visit!], one: OneOf): String }
""")
QUERY = """query ($id: ID!, $kind: Kind, $first: Int = 5, $range: Range) {
  visits(id: $id, kind: $kind, first: $first, range: $range)
}"""


def operation_of(text: str) -> OperationDefinitionNode:
    operation = get_operation_ast(parse(text))
    assert operation is not None
    return operation


def values_of(variables: VariableValues) -> dict[str, Any]:
    return {name: source.value for name, source in variables.sources.items()}


GIVEN: list[dict[str, Any]] = [
    {"id": "1", "kind": "SHOP", "first": 2, "range": {"to": 4}},
    {"id": 1, "kind": None, "first": None, "range": None},
    {"id": "1"},
    {"id": "1", "unknown": 2},
    {"id": "1", "first": 2.0},
    {"id": "1", "range": {"from": 1, "to": 2}},
]


@pytest.mark.parametrize("text", [QUERY, QUERY.replace(" $range: Range", "").replace(", range: $range", "")])
@pytest.mark.parametrize("given", GIVEN)
def test_variables_and_arguments_are_those_of_the_reference(given: dict[str, Any], text: str) -> None:
    operation = operation_of(text)
    field, node = SCHEMA.query_type, operation.selection_set.selections[0]
    assert field is not None
    assert isinstance(node, FieldNode)
    variables = OperationVariables(SCHEMA, operation).coerced(given)
    expected = get_variable_values(SCHEMA, operation.variable_definitions or (), given)

    assert isinstance(expected, VariableValues)
    assert variables is not None
    assert (variables.coerced, values_of(variables)) == (expected.coerced, values_of(expected))
    arguments = Arguments(field.fields["visits"], node).values(variables)
    assert arguments == get_argument_values(field.fields["visits"], node, variables)


@pytest.mark.parametrize(
    "given", [{}, {"id": None}, {"id": [1]}, {"id": "1", "kind": "MOON"}, {"id": "1", "first": "2"}, {"id": True}]
)
def test_values_that_do_not_fit_are_left_to_the_executor(given: dict[str, Any]) -> None:
    operation = operation_of(QUERY)

    assert isinstance(get_variable_values(SCHEMA, operation.variable_definitions or (), given), list)
    assert OperationVariables(SCHEMA, operation).coerced(given) is None


@pytest.mark.parametrize(
    "arguments", ["", "(first: 2)", "(first: $first)", "(kind: $kind)", "(kind: WEB, first: null)"]
)
@pytest.mark.parametrize("given", [{}, {"first": 2, "kind": "SHOP"}, {"first": None, "kind": None}])
def test_arguments_with_values_of_their_own_are_those_of_the_reference(arguments: str, given: dict[str, Any]) -> None:
    operation = operation_of(f"query ($first: Int, $kind: Kind) {{ shops{arguments} }}")
    field, node = SCHEMA.query_type, operation.selection_set.selections[0]
    assert field is not None
    assert isinstance(node, FieldNode)
    variables = OperationVariables(SCHEMA, operation).coerced(given)
    assert variables is not None

    found = Arguments(field.fields["shops"], node).values(variables)

    assert found == get_argument_values(field.fields["shops"], node, variables)


OBJECTS: list[Any] = [
    {"to": 4},
    {"to": 4, "kind": "WEB", "note": "x", "at": None},
    {"to": 4, "note": None, "at": "noon"},
    {"to": 4, "tags": ["a", "b"]},
    {"to": 4, "tags": "a"},
    {"to": 4, "range": {"to": 1}},
    {"to": 4, "range": {"from": 1}},
    {"to": 4, "range": None, "tags": None},
    {"to": 4, "kind": None},
    {"to": None},
    {"to": "4"},
    {"to": 4, "kind": "MOON"},
    {"to": 4, "unknown": 1},
    {"note": "x"},
    {"to": 4, "tags": [None]},
    [{"to": 4}],
    "to",
    4,
]


@pytest.mark.parametrize("given", OBJECTS)
@pytest.mark.parametrize("type", ["Visit!", "Visit", "[Visit!]", "OneOf"])
def test_an_object_is_read_or_refused_as_by_the_reference(given: Any, type: str) -> None:
    operation = operation_of(f"query ($visit: {type}) {{ visited(visit: $visit) }}")
    expected = get_variable_values(OBJECTS_SCHEMA, operation.variable_definitions or (), {"visit": given})

    variables = OperationVariables(OBJECTS_SCHEMA, operation).coerced({"visit": given})

    coerced = expected.coerced if isinstance(expected, VariableValues) else None
    assert (None if variables is None else variables.coerced) == coerced
