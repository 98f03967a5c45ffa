"""Import a plugin's hooks and collect what they contribute."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

import pluggy
from pluggy import PluginValidationError

from regulars.plugins import hookspecs
from regulars.plugins.calling.calls import HookCall, PluginCaller, PluginCallFailed
from regulars.plugins.calling.reasons import place_in
from regulars.plugins.calling.results import WrongResult, size_checked
from regulars.plugins.joining.contribution_checks import CHECKS, check_command_group
from regulars.plugins.joining.discovery import FoundPlugin
from regulars.plugins.joining.table_checks import check_obligations, customer_references
from regulars.plugins.manifest import PluginManifest
from regulars.plugins.plugin_set import Contributions
from regulars.plugins.states import PluginState, PluginWithheld

__all__ = ["HookImplementation", "PluginLoader", "hook_names"]

T = TypeVar("T")

PROJECT = "regulars"


def hook_names() -> tuple[str, ...]:
    """Return the name of every hook that there is."""
    return tuple(sorted(vars(_pluggy().hook)))


@dataclass(frozen=True)
class HookImplementation:
    """A plugin's function for a hook, and the arguments that it asks for."""

    plugin_id: str
    hook: str
    function: Callable[..., Any]
    argument_names: tuple[str, ...]

    def wanted(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return those arguments that the function asks for."""
        return {name: arguments[name] for name in self.argument_names}


class PluginLoader:
    """Loads each plugin once: modules cannot be imported twice, and contributions do not change.

    What failed is not tried again before ``try_again``, since it may have hung.
    """

    def __init__(self, caller: PluginCaller) -> None:
        self._caller = caller
        self._hooks: dict[str, Mapping[str, HookImplementation]] = {}
        self._contributions: dict[str, Contributions] = {}
        self._failures: dict[str, PluginWithheld] = {}

    def try_again(self, plugin_id: str) -> None:
        """Forget that the plugin could not be loaded."""
        self._failures.pop(plugin_id, None)

    async def hooks_of(self, found: FoundPlugin) -> Mapping[str, HookImplementation]:
        """Return a plugin's hooks by name, importing them when that was not done yet.

        Raises ``PluginWithheld`` when they cannot be imported, or are not what hooks must be.
        """
        if found.withheld is not None:
            raise found.withheld.plain()
        if found.id not in self._hooks:
            self._hooks[found.id] = await self._contained(
                found.id,
                "import",
                lambda: _implementations(found.id, found.load()),
                self._caller.budgets.importing_s,
                package=_package(found.manifest),
            )
        return self._hooks[found.id]

    async def contributions_of(self, found: FoundPlugin) -> Contributions:
        """Return what a plugin contributes, calling its collected hooks when that was not done yet.

        Raises ``PluginWithheld`` naming the hook that failed or what is wrong with its result.
        """
        if found.id not in self._contributions:
            hooks = await self.hooks_of(found)
            assert found.manifest is not None
            self._contributions[found.id] = await self._collect(found.manifest, hooks)
        return self._contributions[found.id]

    async def command_problem_of(self, found: FoundPlugin) -> str | None:
        """Return why a plugin's command group cannot be shown; None where it can be, or where it has none.

        Servers show no commands, so they ask no plugin for them. Raises what ``hooks_of`` raises.
        """
        hook = (await self.hooks_of(found)).get("cli")
        try:
            if hook is not None:
                await self._contained(
                    found.id,
                    "cli",
                    hook.function,
                    self._caller.budgets.collecting_s,
                    package=_package(found.manifest),
                    check=check_command_group,
                )
        except PluginWithheld as withheld:
            return withheld.reason
        return None

    async def _collect(self, manifest: PluginManifest, hooks: Mapping[str, HookImplementation]) -> Contributions:
        collected = {hook: await self._collected(manifest, hooks[hook]) for hook in CHECKS if hook in hooks}
        references = customer_references(collected.get("models", ()))
        try:
            check_obligations(references, hooks=hooks, has_migrations="migrations" in collected)
        except WrongResult as wrong:
            raise PluginWithheld(manifest.id, PluginState.FAILED, f"Its tables are refused: {wrong}.") from wrong
        return Contributions(**collected, customer_references=references)

    async def _collected(self, manifest: PluginManifest, hook: HookImplementation) -> Any:
        def check(result: object) -> Any:
            return size_checked(CHECKS[hook.hook](manifest, result))

        return await self._contained(
            manifest.id,
            hook.hook,
            hook.function,
            self._caller.budgets.collecting_s,
            package=_package(manifest),
            check=check,
        )

    async def _contained(
        self,
        plugin_id: str,
        hook: str,
        function: Callable[[], Any],
        budget_s: float,
        *,
        package: str,
        check: Callable[[Any], Any] = lambda result: result,
    ) -> Any:
        if plugin_id in self._failures:
            raise self._failures[plugin_id].plain()
        call = HookCall(plugin_id, hook, _plain(function), {}, budget_s, check)
        try:
            return await self._caller.attempt(call)
        except PluginCallFailed as failure:
            withheld = failure.__cause__
            if not isinstance(withheld, PluginWithheld):
                place = None if withheld is None else place_in(package, withheld)
                reason = f"{hook}: {failure.reason}" + (f" See {place}." if place else "")
                withheld = PluginWithheld(plugin_id, PluginState.FAILED, reason, reference=failure.reference)
            if hook != "cli":
                self._failures[plugin_id] = withheld.plain()
            raise withheld from failure


def _package(manifest: PluginManifest | None) -> str:
    return "" if manifest is None else manifest.implementation.partition(".")[0]


def _plain(function: Callable[[], T]) -> Callable[[], T]:
    # Collected hooks are synchronous: an async one then returns a coroutine, which the caller refuses.
    return lambda: function()


def _pluggy() -> pluggy.PluginManager:
    plugins = pluggy.PluginManager(PROJECT)
    plugins.add_hookspecs(hookspecs)
    return plugins


def _implementations(plugin_id: str, namespace: object) -> dict[str, HookImplementation]:
    # pluggy finds and verifies the functions. Each plugin gets a pluggy of its own, so that nothing it does wrong
    # stays behind, and what belongs to disabled plugins can be called without enabling them.
    plugins = _pluggy()
    try:
        plugins.register(namespace, name=plugin_id)
        plugins.check_pending()
    except PluginValidationError as error:
        raise PluginWithheld(plugin_id, PluginState.FAILED, _hook_fault(plugins, error)) from error
    hooks: dict[str, HookImplementation] = {}
    for hook in hook_names():
        for implementation in getattr(plugins.hook, hook).get_hookimpls():
            if implementation.wrapper or implementation.hookwrapper:
                reason = f"It wraps the hook {hook}. Hooks of plugins are called one by one and cannot be wrapped."
                raise PluginWithheld(plugin_id, PluginState.FAILED, reason)
            if hook in hooks:
                raise PluginWithheld(plugin_id, PluginState.FAILED, f"It implements the hook {hook} twice.")
            hooks[hook] = HookImplementation(plugin_id, hook, implementation.function, implementation.argnames)
    return hooks


def _hook_fault(plugins: pluggy.PluginManager, error: PluginValidationError) -> str:
    known = [hook for hook, calls in vars(plugins.hook).items() if calls.has_spec()]
    unknown = [hook for hook, calls in vars(plugins.hook).items() if not calls.has_spec()]
    if not unknown:
        return " ".join(str(error).split()) + "."
    near = get_close_matches(unknown[0], known, n=1)
    hint = f" Did you mean {near[0]}?" if near else f" There are {', '.join(sorted(known))}."
    return f"It implements {unknown[0]}, which is no hook.{hint}"
