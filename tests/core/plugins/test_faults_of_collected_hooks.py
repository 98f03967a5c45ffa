from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.core.plugins.conftest import SHORT, MakeHost
from tests.core.plugins.fakes import gold, manifest, plugin
from tests.core.plugins.faults import PLAIN_FAULTS

from regulars.plugins.contributions import Trait
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.joining.discovery import found_plugin
from regulars.plugins.states import PluginState, PluginWithheld

pytestmark = pytest.mark.row(13)


class Faulty:
    """A plugin whose traits come to grief."""

    def __init__(self, fault: str) -> None:
        self._fault = PLAIN_FAULTS[fault]

    @hookimpl
    def traits(self) -> Sequence[Trait]:
        traits: Sequence[Trait] = self._fault()
        return traits


@pytest.mark.parametrize("fault", PLAIN_FAULTS)
async def test_a_fault_while_collecting_fails_that_plugin_alone(make_host: MakeHost, fault: str) -> None:
    await (await make_host(plugin("faulty"), gold())).enable("faulty")

    host = await make_host(plugin("faulty", Faulty(fault)), gold(), budgets=SHORT)
    await host.enable("gold")

    assert host.plugins.ids == ("gold",)
    assert host.statuses["faulty"].state is PluginState.FAILED
    assert str(host.statuses["faulty"].reason).startswith("traits: ")
    assert host.statuses["faulty"].reference is not None


async def test_a_plugin_that_fails_while_collecting_is_not_enabled(make_host: MakeHost) -> None:
    host = await make_host(plugin("faulty", Faulty("ValueError")))

    with pytest.raises(PluginWithheld, match=r"traits: It raised ValueError: sour\."):
        await host.enable("faulty")

    assert host.records == {}


async def test_an_import_error_fails_that_plugin_alone(make_host: MakeHost) -> None:
    await (await make_host(plugin("absent"))).enable("absent")

    host = await make_host(found_plugin(manifest("absent")), gold())
    await host.enable("gold")

    assert host.plugins.ids == ("gold",)
    assert "import: It raised ModuleNotFoundError" in str(host.statuses["absent"].reason)


async def test_a_fault_in_the_plugins_own_code_is_told_with_its_place(
    make_host: MakeHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "regulars_muddled"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "plugin.py").write_text("import regulars_muddled.fields\n")
    (folder / "fields.py").write_text('"""Fields."""\n\nimport math\n\nNUMBER = math.nummer\n')
    monkeypatch.syspath_prepend(tmp_path)
    host = await make_host(found_plugin(manifest("muddled")))

    with pytest.raises(
        PluginWithheld, match=r"import: It raised AttributeError: .*'nummer'\. See fields\.py, line 5\."
    ):
        await host.enable("muddled")


async def test_what_hung_is_not_tried_again_by_itself(make_host: MakeHost) -> None:
    calls: list[str] = []

    class Counting:
        @hookimpl
        def traits(self) -> Sequence[Trait]:
            calls.append("traits")
            raise ValueError

    await (await make_host(plugin("faulty"), plugin("silver"))).enable("faulty")
    host = await make_host(plugin("faulty", Counting()), plugin("silver"))

    await host.enable("silver")

    assert calls == ["traits"]
