import sys
from pathlib import Path

import pytest

from regulars.plugins.joining.discovery import discover
from regulars.plugins.states import PluginState

SOUND = """
from regulars.plugins.manifest import PluginManifest

manifest = PluginManifest(
    id="{id}", version="1.0", title="Pearl", summary="A pearl.", hook_api=">=1.0,<2",
    implementation="regulars_{id}.plugin",
)
"""


class Shelf:
    """A folder on the path, on which packages are laid as if they had been installed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def lay(self, plugin_id: str, manifest: str, *, by: str | None = None) -> None:
        package = self._folder / f"regulars_{plugin_id}"
        package.mkdir(exist_ok=True)
        (package / "__init__.py").write_text('"""A plugin."""\n')
        (package / "manifest.py").write_text(manifest)
        distribution = self._folder / f"{by or plugin_id}-1.0.dist-info"
        distribution.mkdir()
        (distribution / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {by or plugin_id}\nVersion: 1.0\n")
        (distribution / "entry_points.txt").write_text(
            f"[pearls]\n{plugin_id} = regulars_{plugin_id}.manifest:manifest\n"
        )


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.syspath_prepend(tmp_path)
    return Shelf(tmp_path)


def test_installed_plugins_are_found_by_their_entry_points(shelf: Shelf) -> None:
    shelf.lay("pearl", SOUND.format(id="pearl"))

    (found,) = discover(group="pearls")

    assert found.manifest is not None
    assert (found.id, found.manifest.title, found.source, found.withheld) == ("pearl", "Pearl", "pearl 1.0", None)


def test_reading_the_manifest_imports_no_hook(shelf: Shelf) -> None:
    shelf.lay("shell", SOUND.format(id="shell"))

    discover(group="pearls")

    assert "regulars_shell.manifest" in sys.modules
    assert "regulars_shell.plugin" not in sys.modules


def test_a_plugin_whose_tables_would_look_like_those_of_another_is_withheld(shelf: Shelf) -> None:
    shelf.lay("stamp", SOUND.format(id="stamp"))
    shelf.lay("stamp_book", SOUND.format(id="stamp_book"))
    shelf.lay("stamps", SOUND.format(id="stamps"))

    found = {each.id: each.withheld for each in discover(group="pearls")}

    assert (found["stamp"], found["stamps"]) == (None, None)
    assert "as tables of the plugin stamp may" in str(found["stamp_book"])
    assert "regulars_stamp_book.manifest" not in sys.modules


@pytest.mark.parametrize(
    ("name", "manifest", "reason"),
    [
        ("sour", "raise ValueError('sour')", "Its manifest cannot be read: ValueError: sour."),
        ("exiting", "raise SystemExit('bye')", "Its manifest cannot be read: SystemExit: bye."),
        ("unwritten", "def f(:", "Its manifest cannot be read: SyntaxError"),
        ("nameless", "other = 1", "Its manifest cannot be read: AttributeError"),
        ("numeric", "manifest = 7", "names a value of type int where a PluginManifest belongs"),
        ("renamed", SOUND.format(id="other"), "its entry point is called renamed and its id is other"),
        ("newer", SOUND.format(id="newer").replace("hook_api=", "smell='sweet', hook_api="), "unexpected keyword"),
    ],
)
def test_a_broken_manifest_costs_only_itself(shelf: Shelf, name: str, manifest: str, reason: str) -> None:
    shelf.lay("amber2", SOUND.format(id="amber2"))
    shelf.lay(name, manifest)

    found = {plugin.id: plugin for plugin in discover(group="pearls")}

    withheld = found[name].withheld
    assert withheld is not None
    assert withheld.state is PluginState.FAILED
    assert reason in withheld.reason
    assert found["amber2"].withheld is None


def test_nothing_of_a_blocked_plugin_is_imported(shelf: Shelf) -> None:
    shelf.lay("blocked", "raise SystemExit")

    (found,) = discover(group="pearls", blocked=("blocked",))

    assert (found.id, found.manifest, found.withheld) == ("blocked", None, None)
    assert "regulars_blocked" not in sys.modules


def test_two_packages_with_one_plugin_are_both_named(shelf: Shelf) -> None:
    shelf.lay("twin", SOUND.format(id="twin"), by="castor")
    shelf.lay("twin", SOUND.format(id="twin").replace("Pearl", "Twin"), by="pollux")

    (found,) = discover(group="pearls")

    assert found.withheld is not None
    assert "castor 1.0 and pollux 1.0" in found.withheld.reason
