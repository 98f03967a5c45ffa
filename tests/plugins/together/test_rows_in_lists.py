"""A batch field of a plugin is asked once for all rows in a list of a payload."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import strawberry
from tests.plugins.together.oddities import oddities

from regulars import Customer, FieldContext, GraphQLPart, PluginManifest, batch, hookimpl
from regulars.plugins.joining.discovery import FoundPlugin, found_plugin
from regulars.testing.fixtures import MakeApp
from regulars.testing.shop import Happening

ALL = """mutation ($ids: [ID!]!) {
  oddTouchAll(input: {customerIds: $ids}) { customers { greeting } results { index customer { greeting } } }
}"""


def greeting(asked: list[int]) -> FoundPlugin:
    """Return a plugin with a batch field that notes how many customers it is asked about each time."""

    async def greet(parents: Sequence[Mapping[str, Any]], context: FieldContext) -> list[str]:
        asked.append(len(parents))
        return [f"Hello {parent['display_name']}" for parent in parents]

    @strawberry.type
    class Fields:
        greeting: str | None = batch(
            greet, requires=[Customer.display_name], permission="customers:read", description="A greeting."
        )

    class Hooks:
        @hookimpl
        def graphql(self) -> GraphQLPart:
            """Add the field."""
            return GraphQLPart(fields={"Customer": Fields})

    manifest = PluginManifest(
        id="greeting",
        version="1.0.0",
        title="Greeting",
        summary="Greets.",
        hook_api=">=1.0,<2",
        implementation="greeting",
    )
    return found_plugin(manifest, hooks=Hooks())


@pytest.mark.row(10)
async def test_a_batch_field_is_asked_once_for_each_list(make_app: MakeApp) -> None:
    asked: list[int] = []
    app = await make_app(oddities(), greeting(asked))
    known = await app.ingest({name: [Happening(app.clock.now(), "9.50")] for name in ("Ada", "Bo", "Cy")})
    ids = [str(known[name]) for name in ("Cy", "Ada")] + ["Customer_" + "0" * 32] + [str(known["Bo"])]

    answer = await app.gql(ALL, {"ids": ids})

    shown = answer["oddTouchAll"]
    assert shown["customers"] == [{"greeting": f"Hello {name}"} for name in ("Cy", "Ada", "Bo")]
    assert [each["customer"] for each in shown["results"]] == [
        {"greeting": "Hello Cy"},
        {"greeting": "Hello Ada"},
        None,
        {"greeting": "Hello Bo"},
    ]
    assert asked == [3, 3]
