from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import literal
from sqlmodel import col
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import Gold, GoldCard, plugin

from regulars.customers.models import Customer
from regulars.plugins.context import PluginContext
from regulars.plugins.contributions import Trait, TraitWords
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.manifest import Permission
from regulars.plugins.states import PluginWithheld
from regulars.selfservice.rights import FactWords

POINTS = Trait(
    "gold.points",
    "Points",
    "number",
    "observed",
    column=col(GoldCard.points),
    customer_id=col(GoldCard.customer_id),
    permission="gold:read",
)
MAY_READ = (Permission("gold:read", "See points"),)


async def in_german(ctx: PluginContext, language: str) -> TraitWords:
    return TraitWords("Punkte", f"{ctx.plugin_id} in {language}", "Ihre Karte", "Pkt.", {"many": "viele"})


async def in_percent(_ctx: PluginContext, _language: str) -> TraitWords:
    return TraitWords(is_share=True)


async def in_doubt(_ctx: PluginContext, _language: str) -> Any:
    return TraitWords("Punkte", is_share="perhaps")  # type: ignore[arg-type]  # on purpose


async def in_nothing(_ctx: PluginContext, _language: str) -> TraitWords:
    raise OSError


async def in_numbers(_ctx: PluginContext, _language: str) -> Any:
    return TraitWords(used_for=7)  # type: ignore[arg-type]  # on purpose


def in_thread(_ctx: PluginContext, _language: str) -> TraitWords:
    return TraitWords()


class GoldWithTraits(Gold):
    def __init__(self, *traits: Any) -> None:
        self._traits = traits

    @hookimpl
    def traits(self) -> Sequence[Trait]:
        return self._traits


async def test_the_traits_of_all_enabled_plugins_stand_together(make_host: MakeHost) -> None:
    host = await make_host(plugin("gold", GoldWithTraits(POINTS), permissions=MAY_READ))

    await host.enable("gold")

    assert host.plugins.traits == (POINTS,)
    assert host.plugins.permissions == MAY_READ


@pytest.mark.parametrize(
    ("trait", "fault"),
    [
        (replace(POINTS, key="silver.points"), "the trait 'silver.points' must start with 'gold.'"),
        (replace(POINTS, permission="gold:write"), "needs the permission 'gold:write', which neither"),
        (replace(POINTS, column=col(Customer.version)), "lies in core_customer, which is not a table of the plugin"),
        (replace(POINTS, customer_id=col(Customer.id)), "lies in core_customer"),
        (replace(POINTS, column=col(GoldCard.points) + col(Customer.version)), "lies in core_customer"),
        (replace(POINTS, column="points"), "it names str where a column belongs"),  # type: ignore[arg-type]  # on purpose
        (replace(POINTS, words=in_thread), r"the words of the trait gold\.points are not given by an async function"),  # type: ignore[arg-type]  # on purpose
        ("gold.points", "a value of type str where Trait belongs"),
    ],
)
async def test_a_trait_that_a_plugin_may_not_have_is_refused(make_host: MakeHost, trait: Any, fault: str) -> None:
    host = await make_host(plugin("gold", GoldWithTraits(trait), permissions=MAY_READ))

    with pytest.raises(PluginWithheld, match=fault):
        await host.enable("gold")


async def test_a_trait_may_be_computed_from_its_columns(make_host: MakeHost) -> None:
    doubled = replace(POINTS, column=col(GoldCard.points) * literal(2), permission="traits:read")
    host = await make_host(plugin("gold", GoldWithTraits(doubled)))

    await host.enable("gold")

    assert host.plugins.traits == (doubled,)


async def test_a_trait_is_there_once(make_host: MakeHost) -> None:
    host = await make_host(plugin("gold", GoldWithTraits(POINTS, POINTS), permissions=MAY_READ))

    with pytest.raises(PluginWithheld, match=r"the trait gold\.points is there twice"):
        await host.enable("gold")


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (None, FactWords("Zähler", "keeping a seat")),
        (in_german, FactWords("Punkte", "gold in de", "Ihre Karte", "Pkt.", {"many": "viele"})),
        (in_percent, FactWords("Zähler", "keeping a seat", is_share=True)),
        (in_doubt, FactWords("Zähler", "keeping a seat")),
        (in_nothing, FactWords("Zähler", "keeping a seat")),
        (in_numbers, FactWords("Zähler", "keeping a seat")),
    ],
)
async def test_customers_read_what_the_plugin_says_of_a_trait_and_else_what_is_written_there(
    make_host: MakeHost, words: Any, known: FactWords
) -> None:
    trait = replace(POINTS, titles={"de": "Zähler"}, used_for="keeping a seat", words=words)
    host = await make_host(plugin("gold", GoldWithTraits(trait), permissions=MAY_READ))
    await host.enable("gold")
    settings = host.plugins.plugins[0].settings

    async with host.database.reading() as session:
        rights = host.context("gold", session=session, actor="system", settings=settings).rights
        read = await rights.words(session, keys=["gold.points", "gone"], language="de")

    assert read == {"gold.points": known, "gone": FactWords("gone")}
