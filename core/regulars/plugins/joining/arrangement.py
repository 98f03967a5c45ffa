"""Judge all plugins at once: who takes part, and why the others do not."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from regulars.plugins.joining.admission import Admission, not_enabled
from regulars.plugins.joining.discovery import FoundPlugin
from regulars.plugins.models import PluginRecord
from regulars.plugins.plugin_set import EnabledPlugin, PluginSet
from regulars.plugins.states import PluginState, PluginWithheld, in_dependency_order

__all__ = ["Arrangement", "arrange", "without"]


@dataclass(frozen=True)
class Arrangement:
    """The enabled plugins, the reasons of the others, and an order in which each comes after those it needs."""

    plugins: PluginSet = field(default_factory=PluginSet)
    withheld: Mapping[str, PluginWithheld] = field(default_factory=dict)
    order: tuple[str, ...] = ()


async def arrange(
    admission: Admission,
    found: Mapping[str, FoundPlugin],
    records: Mapping[str, PluginRecord],
    *,
    revision: int,
    check_allowed: Callable[[str], None],
    failures: Mapping[str, PluginWithheld],
) -> Arrangement:
    """Return who takes part.

    ``check_allowed`` raises ``PluginWithheld`` for plugins that an operator keeps out, ``failures`` are plugins that
    failed since this process began.
    """
    order, circles = in_dependency_order({plugin.id: _needs(plugin) for plugin in found.values()})
    admitted: dict[str, EnabledPlugin] = {}
    withheld = dict(_absent(found, records))
    for plugin_id, circle in circles.items():
        reason = f"It needs itself by way of others: {' needs '.join(circle)}."
        withheld[plugin_id] = PluginWithheld(plugin_id, PluginState.INCOMPATIBLE, reason)
    for plugin_id in order:
        try:
            check_allowed(plugin_id)
            record = _wanted(found[plugin_id], records.get(plugin_id))
            if plugin_id in failures:
                raise failures[plugin_id].plain()
            admitted[plugin_id] = await admission.admit(
                plugin_id, stored=record.settings, accepted=record.grants, admitted=admitted
            )
        except PluginWithheld as reason_why:
            withheld[plugin_id] = reason_why.plain()
    plugins = PluginSet(revision, tuple(admitted[plugin_id] for plugin_id in sorted(admitted)))
    return Arrangement(plugins, withheld, tuple(order))


def without(arrangement: Arrangement, withheld: PluginWithheld) -> Arrangement:
    """Return the arrangement without one plugin, and without those that need it."""
    out = {withheld.plugin_id: withheld}
    for plugin_id in arrangement.order:
        plugin = arrangement.plugins.get(plugin_id)
        if plugin is not None and plugin_id not in out:
            needed = sorted(out.keys() & plugin.manifest.depends.keys())
            if needed:
                out[plugin_id] = not_enabled(plugin_id, needed[0])
    return Arrangement(
        PluginSet(
            arrangement.plugins.revision,
            tuple(plugin for plugin in arrangement.plugins.plugins if plugin.id not in out),
        ),
        {**arrangement.withheld, **out},
        arrangement.order,
    )


def _needs(found: FoundPlugin) -> Iterable[str]:
    # Only a manifest that was checked can be relied upon.
    return () if found.manifest is None or found.withheld is not None else found.manifest.depends


def _wanted(found: FoundPlugin, record: PluginRecord | None) -> PluginRecord:
    if found.withheld is not None:
        raise found.withheld.plain()
    if record is None or record.accepted_at is None:
        raise PluginWithheld(found.id, PluginState.DISABLED, "Nobody has enabled it yet.")
    if not record.is_enabled:
        raise PluginWithheld(found.id, PluginState.DISABLED, "An admin disabled it.")
    return record


def _absent(
    found: Mapping[str, FoundPlugin], records: Mapping[str, PluginRecord]
) -> Iterable[tuple[str, PluginWithheld]]:
    for plugin_id, record in records.items():
        if plugin_id in found:
            continue
        if record.is_enabled:
            reason = f"It is enabled and not installed any more. Install regulars-{plugin_id} or disable it."
            yield plugin_id, PluginWithheld(plugin_id, PluginState.FAILED, reason)
        else:
            reason = "It is not installed any more; what it kept is still there."
            yield plugin_id, PluginWithheld(plugin_id, PluginState.DISABLED, reason)
