from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from starlette.routing import Route
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import Gold, gold, plugin
from tests.core.plugins.hooks.test_events import ignore
from tests.core.plugins.hooks.test_jobs import COUNT
from tests.core.plugins.hooks.test_pages import show
from tests.core.plugins.hooks.test_traits import MAY_READ, POINTS

from regulars.plugins.contributions import EventHandler, GraphQLPart, Job, Pages, Trait, every
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.joining.plan import plan_of
from regulars.plugins.manifest import Grants
from regulars.plugins.states import UnknownPlugin


@dataclass
class CardFields:
    gold_card: str = ""


class Rich(Gold):
    @hookimpl
    def graphql(self) -> GraphQLPart:
        return GraphQLPart({"Customer": CardFields})

    @hookimpl
    def traits(self) -> Sequence[Trait]:
        return [POINTS]

    @hookimpl
    def events(self) -> Mapping[str, EventHandler]:
        return {"customer.created": ignore}

    @hookimpl
    def jobs(self) -> Sequence[Job]:
        return [COUNT, Job("gold.melt", COUNT.run, "Melt it", "jobs:manage", trigger=every(timedelta(hours=1)))]

    @hookimpl
    def pages(self) -> Pages:
        routes = [Route("/", show, name="home"), Route("/door", show, name="door")]
        return Pages(routes, {"home": "gold:read", "door": "public"})


async def test_a_plan_tells_all_that_enabling_changes(make_host: MakeHost) -> None:
    grants = Grants(events=("customer.created",), network=("api.example",))
    host = await make_host(plugin("gold", Rich(), permissions=MAY_READ, grants=grants))

    plan = await plan_of(host, "gold")

    assert plan.obstacle is None
    assert plan.migrations == ("gold0001",)
    assert plan.tables == ("gold_card",)
    assert plan.fields == ("Customer.goldCard",)
    assert plan.traits == ("gold.points (observed)",)
    assert plan.permissions == ("gold:read: See points (admin)",)
    assert plan.grants == plan.new_grants == ("events:customer.created", "network:api.example")
    assert plan.hosts == ("api.example",)
    assert plan.events == ("customer.created",)
    assert plan.jobs == ("gold.count: Count the gold (daily at 03:00)", "gold.melt: Melt it (every 1:00:00)")
    assert plan.routes == ("/plugins/gold/ (gold:read)", "/plugins/gold/door (public)")
    assert plan.public_routes == ("/plugins/gold/door",)


async def test_a_plan_changes_nothing(make_host: MakeHost) -> None:
    host = await make_host(gold())

    await plan_of(host, "gold")

    assert host.plugins.ids == ()
    assert host.records == {}


async def test_a_plan_tells_only_what_is_left_to_do(make_host: MakeHost) -> None:
    await (await make_host(gold())).enable("gold")
    host = await make_host(gold(grants=Grants(network=("api.example",))))

    plan = await plan_of(host, "gold")

    assert (plan.migrations, plan.new_grants) == ((), ("network:api.example",))


async def test_a_plan_tells_what_is_in_the_way(make_host: MakeHost) -> None:
    host = await make_host(gold(hook_api=">=2"))

    plan = await plan_of(host, "gold")

    assert "made for hooks >=2" in str(plan.obstacle)


async def test_a_plan_names_whoever_stops_with_it(make_host: MakeHost) -> None:
    host = await make_host(
        gold(), plugin("rewards", depends={"gold": ">=1"}), plugin("cake", depends={"rewards": ">=1"})
    )
    await host.enable("gold")
    await host.enable("rewards")
    await host.enable("cake")

    assert (await plan_of(host, "gold")).dependents == ("cake", "rewards")


async def test_there_is_no_plan_for_an_unknown_plugin(make_host: MakeHost) -> None:
    host = await make_host()

    with pytest.raises(UnknownPlugin):
        await plan_of(host, "gold")
