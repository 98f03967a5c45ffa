import sys
from pathlib import Path

import pytest

from regulars.cli.main import run

pytestmark = pytest.mark.usefixtures("logging_restored")

MANIFEST = """
from regulars.plugins.manifest import PluginManifest

manifest = PluginManifest(
    id="loyalty", version="1.0", title="Loyalty", summary="A card.", hook_api=">=1.0,<2",
    implementation="regulars_loyalty.plugin",
)
"""
PLUGIN = """
import typer
from regulars.plugins.hookspecs import hookimpl

app = typer.Typer()

@app.callback()
def of_the_card() -> None:
    pass

@app.command()
def stamp(times: int) -> None:
    typer.echo(f"{times} stamps")

@hookimpl
def cli() -> typer.Typer:
    return app
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a plugin with commands and return the file with its hooks."""
    package, facts = tmp_path / "regulars_loyalty", tmp_path / "regulars_loyalty-1.0.dist-info"
    package.mkdir()
    facts.mkdir()
    (package / "__init__.py").write_text("")
    (package / "manifest.py").write_text(MANIFEST)
    (package / "plugin.py").write_text(PLUGIN)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: regulars-loyalty\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[regulars]\nloyalty = regulars_loyalty.manifest:manifest\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("regulars_loyalty", "regulars_loyalty.manifest", "regulars_loyalty.plugin"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return package / "plugin.py"


@pytest.mark.usefixtures("plugin")
def test_the_commands_of_a_plugin_follow_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = run(["loyalty", "stamp", "3"])

    assert exit_code == 0
    assert capsys.readouterr().out == "3 stamps\n"


@pytest.mark.usefixtures("plugin")
def test_help_does_not_import_a_plugin() -> None:
    exit_code = run(["--help"])

    assert exit_code == 0
    assert "regulars_loyalty" not in sys.modules


@pytest.mark.usefixtures("plugin")
def test_a_blocked_plugin_has_no_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("REGULARS_BLOCKED_PLUGINS", "social, loyalty")

    exit_code = run(["loyalty", "stamp", "3"])

    assert exit_code == 1
    assert capsys.readouterr().err.endswith("it is blocked by REGULARS_BLOCKED_PLUGINS.\n")
    assert "regulars_loyalty" not in sys.modules


@pytest.mark.usefixtures("plugin")
def test_in_safe_mode_no_plugin_has_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REGULARS_SAFE_MODE", "1")

    exit_code = run(["loyalty", "stamp", "3"])

    assert exit_code == 1
    assert "REGULARS_SAFE_MODE is set" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param("raise RuntimeError('no card today')", "RuntimeError: no card today.", id="it fails to import"),
        pytest.param("", "it brings none.", id="it has no such hook"),
        pytest.param(
            PLUGIN.replace("return app", "return 7"),
            "its hook cli returned a int, no typer application.",
            id="a number",
        ),
        pytest.param(PLUGIN.replace("return app", "raise SystemExit(0)"), "SystemExit: 0.", id="it ends the process"),
    ],
)
def test_a_broken_plugin_is_named_in_a_line(
    plugin: Path, code: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin.write_text(code)

    exit_code = run(["loyalty", "stamp", "3"])

    assert exit_code == 1
    assert capsys.readouterr().err == f"regulars: The plugin loyalty has no commands: {reason}\n"
