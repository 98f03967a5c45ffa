from typing import Any

import pytest
import typer
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import plugin

from regulars.plugins.doctor import examine
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.states import PluginState

COMMANDS = typer.Typer()


class Commanding:
    """A plugin with the commands that a test gives it."""

    def __init__(self, commands: Any) -> None:
        self._commands, self.asked = commands, 0

    @hookimpl
    def cli(self) -> typer.Typer:
        self.asked += 1
        if isinstance(self._commands, Exception):
            raise self._commands
        commands: typer.Typer = self._commands
        return commands


@pytest.mark.parametrize(
    ("commands", "reason"),
    [(ValueError("sour"), "cli: It raised ValueError: sour."), (7, "a value of type int where Typer belongs")],
)
async def test_broken_commands_are_found_and_harm_nothing_else(make_host: MakeHost, commands: Any, reason: str) -> None:
    host = await make_host(plugin("gold", Commanding(commands)))

    status = await host.enable("gold")

    assert status.state is PluginState.ENABLED
    (found,) = [finding for finding in await examine(host) if finding.subject == "commands"]
    assert (found.plugin_id, found.is_good) == ("gold", False)
    assert reason in found.message
    assert (await host.refresh(), host.plugins.ids) == (False, ("gold",))


async def test_sound_commands_are_not_mentioned(make_host: MakeHost) -> None:
    host = await make_host(plugin("gold", Commanding(COMMANDS)))
    await host.enable("gold")

    assert [finding for finding in await examine(host) if finding.subject == "commands"] == []


async def test_a_server_asks_for_no_commands(make_host: MakeHost) -> None:
    commanding = Commanding(COMMANDS)
    host = await make_host(plugin("gold", commanding))

    await host.enable("gold")

    assert commanding.asked == 0
