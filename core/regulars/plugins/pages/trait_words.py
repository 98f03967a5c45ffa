"""What plugins say about their facts in a customer's language, for pages where customers read them."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from regulars.plugins.calling.calls import HookCall, PluginCallFailed
from regulars.plugins.calling.results import instance_of, mapping, size_checked
from regulars.plugins.calling.sessions import refuse_foreign_writes
from regulars.plugins.contributions import Trait, TraitWords

if TYPE_CHECKING:
    from regulars.plugins.context import PluginContext
    from regulars.plugins.host import PluginHost
    from regulars.plugins.plugin_set import EnabledPlugin

__all__ = ["words_of_plugins"]

HOOK = "traits"


async def words_of_plugins(host: "PluginHost", keys: Collection[str], language: str) -> Mapping[str, TraitWords]:
    """Return the words of those traits that have some, by key; a plugin that fails or is slow says nothing."""
    asked = [
        (plugin, [trait for trait in plugin.contributions.traits if trait.words is not None and trait.key in keys])
        for plugin in host.plugins.plugins
    ]
    said = await asyncio.gather(*(_words_of(host, plugin, traits, language) for plugin, traits in asked if traits))
    return {key: words for of_plugin in said for key, words in of_plugin.items()}


async def _words_of(
    host: "PluginHost", plugin: "EnabledPlugin", traits: Sequence[Trait], language: str
) -> Mapping[str, TraitWords]:
    async def ask(ctx: "PluginContext") -> Mapping[str, object]:
        return {trait.key: await trait.words(ctx, language) for trait in traits if trait.words is not None}

    try:
        async with host.database.reading_apart() as session:
            own = refuse_foreign_writes(session, plugin.manifest)
            ctx = host.context(plugin.id, session=own, actor="system", settings=plugin.settings)
            call = HookCall(plugin.id, HOOK, ask, {"ctx": ctx}, host.caller.budgets.slots_s, _checked)
            return await host.caller.call(call)
    except PluginCallFailed:
        return {}


def _checked(result: object) -> Mapping[str, TraitWords]:
    return {key: _checked_words(words) for key, words in mapping(result).items()}


def _checked_words(result: object) -> TraitWords:
    words = instance_of(TraitWords, result)
    for text in (words.title, words.used_for, words.source, words.unit, *mapping(words.values).values()):
        if text is not None:
            instance_of(str, text)
    instance_of(bool, words.is_share)
    return size_checked(words)
