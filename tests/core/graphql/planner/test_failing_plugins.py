"""A plugin's SQL that fails or does not end costs its own fields, and the rest is still answered by plans."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from sqlalchemy import Integer, func, literal, literal_column, select
from tests.core.graphql.glitches import asked, fill_shop, glitching, told_without

from regulars import Customer, column
from regulars.graphql.planner.planner import Counts
from regulars.testing.app import App
from regulars.testing.fixtures import MakeApp
from regulars.testing.promises.fields import counted_statements

pytestmark = pytest.mark.row(13)

BROKEN = literal_column("(SELECT 1 FROM nowhere)", Integer())
TOUCH = """mutation ($id: ID!) { customerUpdate(input: {id: $id, displayName: "Ada L."}) {
  customer { displayName sound broken also identities { id } } errors { code } } }"""


def number(expression: Any) -> Any:
    return column(expression, description="A number.", permission="customers:read")


@pytest.fixture
async def glitchy(make_app: MakeApp) -> App:
    """Give three customers with two fields that are sound and one that is broken."""
    fields = {
        "sound": number(func.length(Customer.display_name, type_=Integer())),
        "broken": number(BROKEN),
        "also": number(func.length(Customer.status, type_=Integer())),
    }
    app = await make_app(glitching(fields, int))
    await fill_shop(app)
    return app


async def counts(app: App) -> Counts:
    return (await app.server.executor()).planner.counts


async def executed(app: App, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    executor = await app.server.executor()
    with executor.without_planner():
        return await app.ask(query, variables)


async def test_the_field_that_fails_is_null_and_the_others_are_planned(glitchy: App) -> None:
    answer = await asked(glitchy, "sound", "broken", "also")

    _, values = told_without(answer, "sound", "broken", "also")
    assert values == [2, None, 6, 2, None, 6, 3, None, 6]
    assert [error["path"] for error in answer["errors"]] == [["customers", "nodes", at, "broken"] for at in range(3)]
    assert (await counts(glitchy)).planned == 1
    (problem,) = glitchy.problems("glitch")
    assert (problem.key, problem.count) == ("graphql:Customer.broken", 1)


async def test_a_field_that_fails_alone_takes_one_more_statement(glitchy: App) -> None:
    with counted_statements(glitchy) as statements:
        await asked(glitchy, "broken")

    assert len(statements) == 2


async def test_a_field_that_failed_too_often_is_left_out_at_once(glitchy: App) -> None:
    for _ in range(5):
        await asked(glitchy, "broken")

    with counted_statements(glitchy) as statements:
        answer = await asked(glitchy, "broken")

    assert len(statements) == 1
    assert answer["errors"][0]["message"] == (
        "The plugin glitch could not answer Customer.broken: it failed too often and rests for a while."
        " The rest of the answer is complete."
    )


async def test_a_payload_is_planned_without_the_field_that_fails(glitchy: App) -> None:
    ada = str(await glitchy.add_customer("Ada"))

    planned = await glitchy.ask(TOUCH, {"id": ada})

    assert (await counts(glitchy)).rows == 1
    assert planned["data"]["customerUpdate"]["customer"] == {
        "displayName": "Ada L.",
        "sound": 6,
        "broken": None,
        "also": 6,
        "identities": [],
    }
    assert told(planned) == told(await executed(glitchy, TOUCH, {"id": ada}))


def told(answer: Mapping[str, Any]) -> bytes:
    """Return the answer without the references under which the log tells more."""
    return orjson.dumps(
        {**answer, "errors": [{**each, "message": each["message"].split(" the log")[0]} for each in answer["errors"]]}
    )


def endless() -> Any:
    """Return an SQL expression that no database finishes."""
    numbers = select(literal(1).label("number")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.number + 1).where(numbers.c.number < 10**9))
    return select(func.count()).select_from(numbers).scalar_subquery()


async def test_a_mutation_stands_though_a_plugins_sql_does_not_end(make_app: MakeApp) -> None:
    app = await make_app(glitching({"glitch": number(endless())}, int))
    ada = str(await app.add_customer("Ada"))

    answer = await app.ask(
        """mutation ($id: ID!) { customerUpdate(input: {id: $id, displayName: "Ada L."}) {
          customer { displayName glitch } errors { code } } }""",
        {"id": ada},
    )

    assert answer["data"]["customerUpdate"]["customer"] == {"displayName": "Ada L.", "glitch": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["PLUGIN_FAILED"]
    stored = await app.gql("query ($id: ID!) { customer(id: $id) { displayName } }", {"id": ada})
    assert stored == {"customer": {"displayName": "Ada L."}}
    assert (await counts(app)).rows == 1
