"""Parts that plugins add to pages of other plugins: shown where they fit, and a line instead of what fails."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

from regulars.plugins.calling.calls import HookCall, PluginCallFailed
from regulars.plugins.calling.results import instance_of
from regulars.plugins.calling.sessions import refuse_foreign_writes
from regulars.plugins.contributions import Slot, SlotPart, SlotVisit

if TYPE_CHECKING:
    from jinja2 import Environment

    from regulars.plugins.context import PluginContext
    from regulars.plugins.host import PluginHost
    from regulars.plugins.plugin_set import EnabledPlugin

__all__ = ["FilledSlot", "SlotFiller"]

HOOK = "slots"


@dataclass(frozen=True)
class FilledSlot:
    """What one plugin adds to a place: its title and a fragment of HTML; ``html`` of None is a part that failed."""

    plugin_id: str
    title: str
    html: Markup | None


@dataclass(frozen=True)
class SlotFiller:
    """Asks the plugins for what they add to a place of a page."""

    _host: "PluginHost" = field(repr=False)
    _actor: str

    async def fill(self, place: str, visit: SlotVisit) -> Sequence[FilledSlot]:
        """Return what each enabled plugin adds to the place, in the order of their names, within two seconds.

        A part that raises, hangs or is no fragment is there without its HTML, so that the page can say that something
        is missing; it counts against the plugin's breaker. One that rests for failing too often is there likewise.
        """
        found = [
            (plugin, slot)
            for plugin in self._host.plugins.plugins
            for slot in (plugin.contributions.pages.slots if plugin.contributions.pages else ())
            if slot.place == place
        ]
        filled = await asyncio.gather(*(self._filled(plugin, slot, visit) for plugin, slot in found))
        return [one for one in filled if one is not None]

    async def _filled(self, plugin: "EnabledPlugin", slot: Slot, visit: SlotVisit) -> FilledSlot | None:
        pages = plugin.contributions.pages
        assert pages is not None
        assert pages.templates is not None, "checked when the plugin was loaded"
        templates, title = pages.templates, plugin.manifest.title

        async def show(ctx: "PluginContext", visit: SlotVisit) -> Markup | None:
            part = await slot.show(ctx, visit)
            return None if part is None else _written(templates, instance_of(SlotPart, part), visit)

        try:
            async with self._host.database.reading_apart() as session:
                own = refuse_foreign_writes(session, plugin.manifest)
                ctx = self._host.context(plugin.id, session=own, actor=self._actor, settings=plugin.settings)
                call = HookCall(
                    plugin.id, HOOK, show, {"ctx": ctx, "visit": visit}, self._host.caller.budgets.slots_s, _checked
                )
                html = await self._host.caller.call(call)
        except PluginCallFailed:
            return FilledSlot(plugin.id, title, None)
        return None if html is None else FilledSlot(plugin.id, title, html)


def _written(templates: str, part: SlotPart, visit: SlotVisit) -> Markup:
    text = _environment(templates).get_template(part.template).render(**part.values, language=visit.language)
    return Markup(text)  # noqa: S704 - the template escapes what it is filled with, and the fragment is checked


def _checked(result: object) -> Markup | None:
    from regulars.plugins.pages.fragments import checked_fragment  # the parser of HTML is for pages alone

    return None if result is None else Markup(checked_fragment(instance_of(Markup, result)))  # noqa: S704 - as above


@cache
def _environment(templates: str) -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # slow to import, and only pages need it

    package, _, folder = templates.partition(":")
    return Environment(
        loader=PackageLoader(package, folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
