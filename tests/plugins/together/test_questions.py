"""The operations that are invented reach what the planner must get right, and most of them are valid."""

import re
from collections import Counter
from random import Random

from graphql import GraphQLSchema, parse, validate
from tests.plugins.together.oddities import oddities
from tests.plugins.together.questions import Question, Questions
from tests.plugins.together.test_planner_agrees import opaque_fields, values_from

from regulars.graphql.schema.building import BuiltSchema
from regulars.plugins.joining.discovery import discover
from regulars.testing.fixtures import MakeApp

REACHED = {
    "a key of its own": r"a\d+_\w+: ",
    "a key that means something to JavaScript": r"(__proto__|constructor|toString): ",
    "a fragment": r"fragment F0 on",
    "a fragment on an interface": r"\.\.\. on Node \{",
    "merged fields": r"\b(\w+) (\{[^{}]*\}) \1 \{",
    "a row by its id": r"\bnode\(id: [^)]*\) \{ __typename id \.\.\. on",
    "the name of a type": r"__typename",
    "a filter": r"where: ",
    "some": r"some: \{",
    "none": r"none: \{",
    "every": r"every: \{",
    "an order": r"orderBy: ",
    "a search": r"search: ",
    "skip by a variable": r"@skip\(if: \$",
    "include by a variable": r"@include\(if: \$",
    "a place after a cursor": r"after: \$",
    "a place before a cursor": r"before: \$",
    "totals": r"totalCount",
    "what a mutation returned": r"^mutation Q",
}


async def test_invented_operations_reach_everything(make_app: MakeApp) -> None:
    app = await make_app(*discover(), oddities())
    schema = (await app.server.executor()).schema
    values = values_from({"core_customer": []}, {})
    questions = Questions(schema.graphql, Random(5), values, opaque_fields(schema), ("oddTouch", "oddTouchAll"))
    invented = [questions.next() for _ in range(900)]

    found = Counter(name for each in invented for name, mark in REACHED.items() if re.search(mark, each.document))

    assert found.keys() == REACHED.keys()
    assert owners_of_fields(schema, " ".join(each.document for each in invented)) == owners_of_fields(schema, None)
    assert sum(None in each.variables.values() for each in invented) > 5
    assert sum(len(each.variables) < len(each.kinds) for each in invented) > 5
    assert sum(is_valid(schema.graphql, each) for each in invented[:60]) > 45


def owners_of_fields(schema: BuiltSchema, text: str | None) -> set[str]:
    """Return who owns fields of rows that a statement can answer, in a text if there is one."""
    paths = [path.split(".") for path in schema.fields.keys() - opaque_fields(schema)]
    words = None if text is None else set(re.findall(r"\w+", text))
    return {
        schema.owners[f"{kind}.{name}"]
        for kind, name in paths
        if kind in schema.tables and (not words or name in words)
    }


def is_valid(schema: GraphQLSchema, question: Question) -> bool:
    return not validate(schema, parse(question.document))
