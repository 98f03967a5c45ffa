"""Row 13 of the test plan for fields: whatever a plugin does, the rest of the answer stays byte for byte."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
import strawberry
from sqlalchemy import func, literal, select, text
from sqlmodel import col
from tests.core.graphql.glitches import (
    Answer,
    asked,
    batched,
    by_async_resolver,
    by_batch,
    by_plain_resolver,
    by_waiting_resolver,
    fill_shop,
    glitching,
    told_without,
)
from tests.core.plugins.fakes import Gold, GoldCard, plugin
from tests.core.plugins.faults import HANGS, PLAIN_FAULTS, RAISING, loops, never_awaited, sleeps

from regulars import (
    Customer,
    FieldContext,
    GraphQLPart,
    InvalidInput,
    Payload,
    Permission,
    column,
    hookimpl,
    mutation,
    object_type,
    relation,
    value_type,
)
from regulars.testing.fixtures import MakeApp

pytestmark = pytest.mark.row(13)

WRONG: Mapping[str, Answer] = {
    "a text": lambda: "many",
    "NaN": lambda: float("nan"),
    "a list": lambda: [1.0],
    "an object": object,
    "a coroutine": never_awaited,
}
FAULTS: Mapping[str, Answer] = {
    f"glitch{number}": fault for number, fault in enumerate((*RAISING.values(), *WRONG.values()))
}
KINDS = [by_batch, by_async_resolver, by_plain_resolver]


@pytest.mark.parametrize("make_field", KINDS)
async def test_fields_that_fail_are_null_alone(make_app: MakeApp, make_field: Callable[[Answer], Any]) -> None:
    app = await make_app(glitching({name: make_field(fault) for name, fault in FAULTS.items()}))
    await fill_shop(app)
    await app.server.host.disable("glitch")
    without_plugin, _ = told_without(await asked(app))
    await app.server.host.enable("glitch")

    answer = await asked(app, *FAULTS)

    rest, taken = told_without(answer, *FAULTS)
    assert rest == without_plugin
    assert set(taken) == {None}
    assert {(error["path"][-1], error["extensions"]["code"]) for error in answer["errors"]} == {
        (name, "PLUGIN_FAILED") for name in FAULTS
    }
    assert {problem.key for problem in app.problems("glitch")} == {f"graphql:Customer.{name}" for name in FAULTS}


@pytest.mark.parametrize("hang", HANGS.values(), ids=HANGS.keys())
async def test_a_batch_that_does_not_end_is_null_alone(make_app: MakeApp, hang: Answer) -> None:
    async def load(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> Any:
        await hang()

    app = await make_app(glitching({"glitch": batched(load, timeout=timedelta(seconds=0.3))}))
    await fill_shop(app)
    app.server.host.caller.watchdog.limit_s = 0.3
    without_field, _ = told_without(await asked(app))

    answer = await asked(app, "glitch")

    assert told_without(answer, "glitch") == (without_field, [None] * 3)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"PLUGIN_FAILED"}
    (problem,) = app.problems("glitch")
    assert (problem.key, problem.count) == ("graphql:Customer.glitch", 1)
    assert "It did not end within 0.3 seconds" in problem.message


@pytest.mark.parametrize(
    "field",
    [by_waiting_resolver(HANGS["sleeps"]), by_async_resolver(loops), by_plain_resolver(sleeps)],
    ids=["sleeps awaited", "loops", "sleeps"],
)
async def test_a_resolver_that_does_not_end_is_null_alone(make_app: MakeApp, field: Any) -> None:
    app = await make_app(glitching({"glitch": field}))
    await fill_shop(app)
    app.server.host.caller.watchdog.limit_s = 0.3
    without_field, _ = told_without(await asked(app))

    answer = await asked(app, "glitch")

    assert told_without(answer, "glitch") == (without_field, [None] * 3)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"PLUGIN_FAILED"}


@pytest.mark.parametrize(
    "answers", [lambda parents: [], lambda parents: None, lambda parents: "abc", lambda parents: iter(parents)]
)
async def test_a_batch_of_another_length_is_no_answer(make_app: MakeApp, answers: Callable[[Any], Any]) -> None:
    async def load(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> Any:
        return answers(parents)

    app = await make_app(glitching({"glitch": batched(load)}))
    await fill_shop(app)

    answer = await asked(app, "glitch")

    assert told_without(answer, "glitch")[1] == [None] * 3
    assert app.problems("glitch")[0].message.startswith("It raised WrongBatch: The batch function of Customer.glitch")


async def test_an_answer_beyond_256_kib_is_no_answer(make_app: MakeApp) -> None:
    app = await make_app(glitching({"glitch": by_batch(PLAIN_FAULTS["100 MB"])}, str))
    await fill_shop(app)

    answer = await asked(app, "glitch")

    assert told_without(answer, "glitch")[1] == [None] * 3
    assert "it returned more than 256 KiB" in app.problems("glitch")[0].message


async def test_a_text_that_json_does_not_have_is_null_alone(make_app: MakeApp) -> None:
    async def load(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> Any:
        return ["whole", "half of \ud83d", None]

    app = await make_app(glitching({"glitch": batched(load)}, str))
    await fill_shop(app)

    answer = await asked(app, "glitch")

    assert told_without(answer, "glitch")[1] == ["whole", None, None]
    assert [error["path"][-1] for error in answer["errors"]] == ["glitch"]


async def test_a_field_that_keeps_failing_rests_and_is_tried_again(make_app: MakeApp) -> None:
    calls = []

    def fail() -> None:
        calls.append(1)
        raise ValueError("sour")

    app = await make_app(glitching({"glitch": by_batch(fail), "sound": by_batch(lambda: 1.0)}))
    await fill_shop(app)
    for _ in range(5):
        await asked(app, "glitch")

    resting = await asked(app, "glitch", "sound")
    app.clock.advance(timedelta(seconds=31))
    await asked(app, "glitch")

    assert "rests for a while" in resting["errors"][0]["message"]
    assert told_without(resting, "sound")[1] == [1.0] * 3
    assert len(calls) == 6


async def test_what_a_plugin_refuses_on_purpose_is_its_own_word(make_app: MakeApp) -> None:
    def refuse() -> None:
        raise InvalidInput("Ask for something else.")

    app = await make_app(glitching({"glitch": by_async_resolver(refuse)}))
    await fill_shop(app)

    answer = await asked(app, "glitch")

    assert {(error["message"], error["extensions"]["code"]) for error in answer["errors"]} == {
        ("Ask for something else.", "INVALID")
    }
    assert app.problems("glitch") == ()


async def test_a_value_with_a_broken_attribute_fails_as_its_plugin(make_app: MakeApp) -> None:
    @value_type(description="A score.")
    class Score:
        points: float | None = strawberry.field(description="How many.")

    app = await make_app(glitching({"glitch": by_batch(lambda: Score(points="many"))}, Score))  # type: ignore[arg-type]
    await fill_shop(app)

    answer = await asked(app, "glitch { points }")

    assert told_without(answer, "glitch")[1] == [{"points": None}] * 3
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"PLUGIN_FAILED"}
    assert "many" not in str(answer["errors"])


MAY_READ = (Permission("gold:read", "See cards", ("admin",)),)


@object_type(GoldCard, name="GoldCard", permission="gold:read", description="A card.")
class GoldCardNode:
    points: int = column(GoldCard.points, description="How many.")


@strawberry.type
class CustomerGold:
    card: GoldCardNode | None = relation(
        GoldCard.customer_id, permission="gold:read", description="Their card.", order_by=[col(GoldCard.id)]
    )


@value_type(description="What came of it.")
class GoldPayload(Payload):
    points: int | None = strawberry.field(default=None, description="How many.")


@strawberry.type
class GoldMutations:
    @mutation(permission="gold:read", description="Write and fail.")
    async def gold_spoil(self, info: strawberry.Info) -> GoldPayload | None:
        """Write a card of nobody, then fail."""
        await info.context.session.execute(text("UPDATE core_customer SET display_name = 'Mallory'"))
        raise ValueError("sour")


class GoldFields(Gold):
    @hookimpl
    def graphql(self) -> GraphQLPart:
        return GraphQLPart({"Customer": CustomerGold, "Mutation": GoldMutations})


@pytest.fixture
def gold() -> Any:
    return plugin("gold", GoldFields(), permissions=MAY_READ, graphql_types=("GoldCard", "GoldPayload"))


async def test_a_relation_whose_table_is_gone_is_null_alone(make_app: MakeApp, gold: Any) -> None:
    app = await make_app(gold)
    await fill_shop(app)
    without_field, _ = told_without(await asked(app))
    async with app.database.writing() as session:
        await session.execute(text("DROP TABLE gold_card"))

    answer = await asked(app, "card { points }")

    assert told_without(answer, "card") == (without_field, [None] * 3)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"PLUGIN_FAILED"}
    (problem,) = app.problems("gold")
    assert (problem.key, problem.count) == ("graphql:Customer.card", 1)


async def test_a_mutation_stands_though_a_plugins_part_of_its_answer_fails(make_app: MakeApp, gold: Any) -> None:
    app = await make_app(gold)
    ada = await app.add_customer("Ada")
    async with app.database.writing() as session:
        await session.execute(text("DROP TABLE gold_card"))

    answer = await app.ask(
        """mutation ($id: ID!) { customerUpdate(input: {id: $id, displayName: "Ada L."}) {
          customer { displayName card { points } touchpoints { totalCount } } errors { code } } }""",
        {"id": str(ada)},
    )

    customer = answer["data"]["customerUpdate"]["customer"]
    assert customer == {"displayName": "Ada L.", "card": None, "touchpoints": {"totalCount": 0}}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["PLUGIN_FAILED"]
    assert (await app.gql("{ customers { nodes { displayName } } }"))["customers"]["nodes"] == [
        {"displayName": "Ada L."}
    ]


def endless() -> Any:
    """Return an SQL expression that no database finishes."""
    numbers = select(literal(1).label("number")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.number + 1).where(numbers.c.number < 10**9))
    return select(func.count()).select_from(numbers).scalar_subquery()


async def test_a_statement_that_does_not_end_costs_its_field_and_two_seconds(make_app: MakeApp) -> None:
    field = column(endless(), description="Counts for ever.", permission="customers:read")
    app = await make_app(glitching({"glitch": field}, int))
    await fill_shop(app)
    without_field, _ = told_without(await asked(app))

    answer = await asked(app, "glitch")

    assert told_without(answer, "glitch") == (without_field, [None] * 3)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"PLUGIN_FAILED"}
    assert (await asked(app))["data"]


async def test_a_mutation_of_a_plugin_that_fails_leaves_nothing(make_app: MakeApp, gold: Any) -> None:
    app = await make_app(gold)
    await fill_shop(app)
    before = await asked(app)

    answer = await app.ask("mutation { goldSpoil { points } }")

    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["PLUGIN_FAILED"]
    assert (await asked(app))["data"] == before["data"]


async def test_fields_of_many_requests_at_once_do_not_wait_for_one_another(make_app: MakeApp) -> None:
    async def load(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> list[float]:
        await asyncio.sleep(0.05)
        customers = (await context.session.scalars(select(col(Customer.id)))).all()
        return [float(len(customers)) for _ in parents]

    app = await make_app(glitching({"sound": batched(load)}))
    await fill_shop(app)

    answers = await asyncio.gather(*(asked(app, "sound") for _ in range(40)))

    assert [answer for answer in answers if "errors" in answer] == []
    assert told_without(answers[0], "sound")[1] == [3.0] * 3
