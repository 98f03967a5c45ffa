"""Whoever asks whatever, the planner answers as the executor does: data and errors."""

from collections.abc import Mapping
from random import Random
from typing import Any
from uuid import UUID

import orjson
import pytest
from tests.plugins.together.oddities import oddities
from tests.plugins.together.questions import Questions
from tests.plugins.together.rows import MOMENTS, TEXTS, fill_tables

from regulars.access.actors import Actor
from regulars.graphql.schema.building import BuiltSchema
from regulars.plugins.joining.discovery import discover
from regulars.testing.app import App
from regulars.testing.fixtures import MakeApp

ROLES = ("admin", "admin", "analyst", "frontline", "privacy", "anonymous")


@pytest.fixture
async def filled(make_app: MakeApp) -> App:
    """Give a server with every installed plugin and one of oddities, and rows of all sorts in every table."""
    return await make_app(*discover(), oddities())


@pytest.mark.parametrize("seed", range(3))
async def test_planner_and_executor_agree(filled: App, seed: int) -> None:
    differences, planned = await compared(filled, seed, count=100)

    assert differences == []
    assert planned > 60


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1000, 1010))
async def test_planner_and_executor_agree_on_many(filled: App, seed: int) -> None:
    differences, planned = await compared(filled, seed, count=1000)

    assert differences == []
    assert planned > 600


async def compared(app: App, seed: int, *, count: int) -> tuple[list[Any], int]:
    """Return what was answered in two ways, and how many of the questions were planned."""
    random = Random(seed)
    rows = await fill_tables(app, random)
    executor = await app.server.executor()
    schema = executor.schema
    values = values_from(rows, schema.nodes)
    questions = Questions(schema.graphql, random, values, opaque_fields(schema), ("oddTouch", "oddTouchAll"))
    differences: list[Any] = []
    planned: Mapping[str, Any] = {}
    before = executor.planner.counts.planned + executor.planner.counts.rows
    question, actor = questions.next(), somebody(app, random, rows)
    for number in range(count):
        if number % 2 == 0:
            question, actor = questions.next(), somebody(app, random, rows)
        else:
            question = questions.again(question, planned)  # the same document, so that its plan is used again
        planned = await app.ask(question.document, question.variables, as_=actor)
        with executor.without_planner():
            executed = await app.ask(question.document, question.variables, as_=actor)
        if normal(planned) != normal(executed) and not (is_excused(planned) or is_excused(executed)):
            differences.append((number, question, actor.kind, normal(planned), normal(executed)))
    return differences, executor.planner.counts.planned + executor.planner.counts.rows - before


def opaque_fields(schema: BuiltSchema) -> frozenset[str]:
    """Return the paths of fields that no statement can answer."""
    return frozenset(
        path for path, owned in schema.fields.items() if owned.field.base_resolver and not owned.rules.declaration
    )


def somebody(app: App, random: Random, rows: Mapping[str, Any]) -> Actor:
    """Return somebody of a role, a customer, or somebody with any permissions."""
    chance = random.random()
    if chance < 0.25:
        return app.actor(f"customer:{random.choice(rows['core_customer'])['id']}")
    if chance < 0.5:
        names = sorted(permission.name for permission in app.server.permissions)
        return Actor("staff", UUID(int=2), "some", frozenset(random.sample(names, random.randint(1, len(names)))))
    return app.actor(random.choice(ROLES))


def values_from(rows: Mapping[str, Any], nodes: Mapping[str, Any]) -> Mapping[str, list[Any]]:
    ids = [
        f"{name}_{row['id'].hex}" for name, rules in nodes.items() for row in rows[rules.source.name][:3] if "id" in row
    ]
    customers = [str(row["id"]) for row in rows["core_customer"][:3]]
    return {
        "ID": [*ids, *customers, "Customer_nonsense", str(UUID(int=9))],
        "UUID": customers,
        "String": list(TEXTS),
        "Int": [0, 1, 3, 40],
        "Float": [0.5, 1.0, 0.30000000000000004],
        "Boolean": [True, False],
        "Decimal": ["0", "9.50", "12.3456", "-0.01"],
        "DateTime": [moment.isoformat().replace("+00:00", "Z") for moment in MOMENTS],
        "JSON": [1],
    }


def is_excused(answer: Mapping[str, Any]) -> bool:
    """Tell whether a plugin did not end its mutation in time, as on a machine with much else to do."""
    failed = [error for error in answer.get("errors", ()) if error["extensions"]["code"] == "PLUGIN_FAILED"]
    return any(error.get("path") in (["oddTouch"], ["oddTouchAll"]) for error in failed)


def normal(answer: Mapping[str, Any]) -> bytes:
    """Return an answer as bytes that do not depend on the order of keys and errors, nor on a request's id."""
    told = {**answer}
    errors = [_without_id(error) for error in answer.get("errors", ())]
    told["errors"] = sorted(errors, key=lambda error: orjson.dumps(error, option=orjson.OPT_SORT_KEYS))
    return orjson.dumps(_with_floats(told), option=orjson.OPT_SORT_KEYS)


def _without_id(error: Mapping[str, Any]) -> Mapping[str, Any]:
    extensions = {key: value for key, value in error["extensions"].items() if key != "requestId"}
    message = error["message"] if "requestId" not in error["extensions"] else ""
    return {**error, "extensions": extensions, "message": message.split(": it failed")[0]}


def _with_floats(value: Any) -> Any:
    # JSON knows one kind of number.
    if isinstance(value, dict):
        return {key: _with_floats(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_floats(each) for each in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
