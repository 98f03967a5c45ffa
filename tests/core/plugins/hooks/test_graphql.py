from typing import Any

import pytest
import strawberry
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import plugin

from regulars import Payload, mutation, resolver, value_type
from regulars.graphql.holder import SchemaHolder
from regulars.plugins.contributions import GraphQLPart
from regulars.plugins.doctor import Finding, examine
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.joining.plan import plan_of
from regulars.plugins.plugin_set import Contributions, EnabledPlugin, PluginSet
from regulars.plugins.states import PluginState, PluginWithheld
from regulars.testing.app import App
from regulars.testing.fixtures import MakeApp


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


@value_type(name="GoldGiven", description="A gift. (gold)")
class GoldGiven(Payload):
    """A gift."""


@strawberry.type
class GoldMutations:
    """What can be given."""

    @mutation(permission="gold:write", description="Give gold. (gold)")
    async def gold_give(self) -> GoldGiven:
        return GoldGiven()


async def test_a_plugin_that_the_schema_cannot_be_built_with_is_not_enabled(make_app: MakeApp) -> None:
    app = await make_app()
    app.server.host.found["gold"] = plugin("gold", Golden({"Mutation": GoldMutations}))
    await app.server.host.load()
    reason = (
        "The field Mutation.goldGive of gold cannot be used: whoever lacks gold:write gets null instead."
        " Let its type end with `| None`."
    )

    answer = await app.gql('mutation { pluginEnable(input: {id: "gold"}) { plugin { id } errors { message } } }')

    plan, found = await plan_of(app.server.host, "gold"), await examine(app.server.host, "gold")
    told_to_admins = f"The plugin gold cannot be enabled: {reason}"
    assert answer["pluginEnable"] == {"plugin": None, "errors": [{"message": told_to_admins}]}
    assert app.server.host.statuses["gold"].state is PluginState.DISABLED
    assert plan.obstacle == told_to_admins
    assert Finding("gold", "joining", False, reason) in found


class Source:
    """Plugins that take part whatever they contribute, until the schema fails with one."""

    def __init__(self, **fields: type) -> None:
        self.plugins = PluginSet(plugins=tuple(self._enabled(name, given) for name, given in sorted(fields.items())))
        self.failed: dict[str, str] = {}

    @staticmethod
    def _enabled(name: str, fields: type) -> EnabledPlugin:
        contributions = Contributions(graphql=GraphQLPart({"Query": fields}))
        manifest = plugin(name, Golden({})).manifest
        assert manifest is not None
        return EnabledPlugin(manifest, manifest.settings(), (), contributions)

    async def fail(self, plugin_id: str, reason: str) -> None:
        self.failed[plugin_id] = reason
        self.plugins = PluginSet(plugins=tuple(each for each in self.plugins.plugins if each.id != plugin_id))


@value_type(name="Bar", description="A bar. (gold)")
class Bar:
    """A bar."""

    weight: int = strawberry.field(description="In grams.")


@strawberry.type
class Bars:
    """What gold adds."""

    @resolver(permission="public", description="A bar. (gold)")
    def bar(self) -> Bar | None:
        return None


@strawberry.type
class Sound:
    """What silver adds."""

    @resolver(permission="public", description="Its price. (silver)")
    def silver_price(self) -> int | None:
        return None


async def test_a_type_that_no_plugin_claims_takes_out_its_plugin_alone(app: App) -> None:
    source = Source(gold=Bars, silver=Sound)
    holder = SchemaHolder(app.server, source)

    executor = await holder.refresh()

    assert source.failed == {"gold": "The type Bar is claimed by no plugin. Name it in graphql_types of the manifest."}
    assert "Query.silverPrice" in executor.schema.owners
    assert "Query.bar" not in executor.schema.owners
