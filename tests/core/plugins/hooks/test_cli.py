from typing import Any

import pytest
import typer
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import plugin

from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.states import PluginState

COMMANDS = typer.Typer()


class Commanding:
    """A plugin with the commands that a test gives it."""

    def __init__(self, commands: Any) -> None:
        self._commands = commands

    @hookimpl
    def cli(self) -> typer.Typer:
        if isinstance(self._commands, Exception):
            raise self._commands
        commands: typer.Typer = self._commands
        return commands


async def test_commands_are_handed_on(make_host: MakeHost) -> None:
    host = await make_host(plugin("gold", Commanding(COMMANDS)))

    await host.enable("gold")

    assert host.plugins.plugins[0].contributions.cli is COMMANDS


@pytest.mark.parametrize(
    ("commands", "reason"),
    [(ValueError("sour"), "cli: It raised ValueError: sour."), (7, "a value of type int where Typer belongs")],
)
async def test_broken_commands_hide_the_group_and_nothing_else(make_host: MakeHost, commands: Any, reason: str) -> None:
    host = await make_host(plugin("gold", Commanding(commands)))

    status = await host.enable("gold")

    assert status.state is PluginState.ENABLED
    assert host.plugins.plugins[0].contributions.cli is None
    assert reason in str(host.plugins.plugins[0].contributions.cli_problem)
