from typing import Any

import pytest
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import plugin

from regulars.plugins.contributions import GraphQLPart
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.states import PluginWithheld


class GoldFields:
    """Stands for a class of fields."""


class Golden:
    """A plugin with the fields that a test gives it."""

    def __init__(self, fields: Any) -> None:
        self._fields = fields

    @hookimpl
    def graphql(self) -> GraphQLPart:
        return GraphQLPart(self._fields)


async def test_fields_are_handed_on_as_they_are(make_host: MakeHost) -> None:
    host = await make_host(plugin("gold", Golden({"Customer": GoldFields})))

    await host.enable("gold")

    assert host.plugins.plugins[0].contributions.graphql.fields == {"Customer": GoldFields}


@pytest.mark.parametrize("fields", [None, [], {"Customer": GoldFields()}, {1: GoldFields}])
async def test_anything_but_classes_by_type_name_is_refused(make_host: MakeHost, fields: Any) -> None:
    host = await make_host(plugin("gold", Golden(fields)))

    with pytest.raises(PluginWithheld, match="graphql: Its result is refused"):
        await host.enable("gold")
