import re
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


REVISION = """
import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table("loyalty_card", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade() -> None:
    op.drop_table("loyalty_card")
"""
TABLES = """
from regulars import Migrations, hookimpl


@hookimpl
def migrations() -> Migrations:
    return Migrations("regulars_loyalty:versions")
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


@pytest.fixture
def tables(plugin: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the plugin have a table, and the commands a database."""
    plugin.write_text(TABLES)
    (plugin.parent / "versions").mkdir()
    (plugin.parent / "versions" / "0001_cards.py").write_text(REVISION)
    monkeypatch.setenv("REGULARS_DATABASE_URL", database_url)
    return plugin.parent / "versions" / "0001_cards.py"


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.splitlines()[-1]


@pytest.mark.usefixtures("tables")
def test_the_tables_of_an_enabled_plugin_follow_the_core(capsys: pytest.CaptureFixture[str]) -> None:
    run(["plugin", "enable", "loyalty", "--yes"])
    run(["db", "downgrade", "loyalty", "base", "--yes"])
    below = last_line(capsys)

    exit_code = run(["db", "upgrade"])

    assert exit_code == 0
    assert below == "loyalty: no tables"
    assert last_line(capsys) == "loyalty: no tables -> 0001"
    assert run(["db", "current"]) == 0
    assert last_line(capsys) == "loyalty: 0001 (newest)"


@pytest.mark.usefixtures("tables")
def test_the_tables_of_a_disabled_plugin_wait(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = run(["db", "upgrade"])

    assert exit_code == 0
    assert last_line(capsys).startswith("core: ")


def test_a_plugin_whose_migration_fails_is_named_and_the_core_stays(
    tables: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["plugin", "enable", "loyalty", "--yes"])
    run(["db", "downgrade", "loyalty", "base", "--yes"])
    tables.write_text(
        REVISION.replace("def upgrade() -> None:", "def upgrade() -> None:\n    raise RuntimeError('ink')")
    )

    exit_code = run(["db", "upgrade"])

    printed = capsys.readouterr()
    assert exit_code == 1
    assert printed.err.splitlines()[-1].startswith("regulars: The tables of loyalty could not be migrated: ink.")
    assert re.fullmatch(r"core: \d{4} \(nothing to do\)", printed.out.splitlines()[-1])


@pytest.mark.usefixtures("plugin")
def test_a_plugin_without_tables_is_told(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REGULARS_DATABASE_URL", database_url)

    exit_code = run(["db", "upgrade", "loyalty"])

    assert exit_code == 2
    assert capsys.readouterr().err.endswith("The plugin loyalty has no tables.\n")
