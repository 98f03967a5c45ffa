from collections.abc import Generator
from types import ModuleType
from typing import Any

import pytest
from pluggy import HookspecMarker
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import plugin

from regulars.plugins import hookspecs
from regulars.plugins.contributions import Migrations
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.joining.loading import hook_names
from regulars.plugins.states import PluginWithheld


class Misspelt:
    @hookimpl
    def migratoins(self) -> None:
        """Be a typo."""


class Asking:
    @hookimpl
    async def customer_merged(self, ctx: Any, winner_id: Any) -> None:
        """Ask for an argument that there is not."""


class OldWrapper:
    @hookimpl(hookwrapper=True)
    def models(self) -> Generator[None]:
        yield


class Wrapper:
    @hookimpl(wrapper=True)
    def models(self) -> Generator[None, Any, Any]:
        return (yield)


class Twice:
    @hookimpl
    def migrations(self) -> Migrations:
        return Migrations("tests.core.plugins:gold_versions")

    @hookimpl(specname="migrations")
    def more_migrations(self) -> Migrations:
        return Migrations("tests.core.plugins:gold_versions")


class AsyncCollected:
    @hookimpl
    async def migrations(self) -> Migrations:
        return Migrations("tests.core.plugins:gold_versions")


@pytest.mark.parametrize(
    ("hooks", "fault"),
    [
        (Misspelt(), "It implements migratoins, which is no hook. Did you mean migrations?"),
        (Asking(), "winner_id"),
        (OldWrapper(), "It wraps the hook models"),
        (Wrapper(), "It wraps the hook models"),
        (Twice(), "It implements the hook migrations twice"),
        (AsyncCollected(), "it returned a coroutine that nobody awaited"),
    ],
)
async def test_an_implementation_that_cannot_be_called_is_refused(
    make_host: MakeHost, hooks: object, fault: str
) -> None:
    host = await make_host(plugin("odd", hooks))

    with pytest.raises(PluginWithheld, match=fault):
        await host.enable("odd")


async def test_hooks_may_be_functions_of_a_module(make_host: MakeHost) -> None:
    module = ModuleType("regulars_plain.plugin")

    @hookimpl
    def jobs() -> list[Any]:
        return []

    module.jobs = jobs  # type: ignore[attr-defined]  # as `def jobs` in the module would
    host = await make_host(plugin("plain", module))

    await host.enable("plain")

    assert host.plugins.plugins[0].hooks == ("jobs",)


def test_every_hook_of_the_specification_is_known() -> None:
    marked = {name for name, spec in vars(hookspecs).items() if hasattr(spec, "regulars_spec")}

    assert set(hook_names()) == marked
    assert isinstance(hookspecs.hookspec, HookspecMarker)
