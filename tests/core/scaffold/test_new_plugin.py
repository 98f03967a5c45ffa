"""`regulars plugin new` writes a plugin that works, whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from regulars.cli.main import PARTS, run
from regulars.cli.plugin import app
from regulars.plugins.joining.manifest_checks import RESERVED_IDS
from regulars.scaffold.names import PluginIdTaken, PluginIdUnusable
from regulars.scaffold.writing import FolderTaken, new_plugin

LONGEST = "tea_club_of_the_1st_upper_town"


def new(plugin_id: str, folder: Path) -> Result:
    return CliRunner().invoke(app, ["new", plugin_id, "--into", str(folder)])


def in_folder(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, "-m", *command]
    variables = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(words, cwd=folder, env=variables, capture_output=True, text=True, timeout=110)


def test_a_new_plugin_says_what_to_do_next(tmp_path: Path) -> None:
    told = new("tea_club", tmp_path)

    folder = tmp_path / "regulars-tea-club"
    assert told.exit_code == 0
    assert f'pip install -e "{folder}[dev]"' in told.stdout
    assert "regulars plugin enable tea_club" in told.stdout
    assert [entry.name for entry in tmp_path.iterdir()] == ["regulars-tea-club"]
    assert (folder / "regulars_tea_club" / "migrations" / "versions" / "0001_tally.py").is_file()
    assert (folder / ".github" / "workflows" / "test.yml").is_file()


def test_no_word_of_the_template_is_left_over(tmp_path: Path) -> None:
    folder = new_plugin("tea_club", into=tmp_path)

    written = {file: file.read_text(encoding="utf-8") for file in folder.rglob("*") if file.is_file()}
    assert len(written) > 15
    assert [file for file, text in written.items() if "<<" in text or "template" in file.suffix] == []


@pytest.mark.parametrize("plugin_id", ["x", LONGEST])
def test_a_new_plugin_is_in_the_form_that_its_own_checks_want(plugin_id: str, tmp_path: Path) -> None:
    folder = new_plugin(plugin_id, into=tmp_path)

    linted = in_folder(folder, "ruff", "check", "--no-cache", ".")
    formatted = in_folder(folder, "ruff", "format", "--no-cache", "--diff", ".")

    assert (linted.returncode, linted.stdout) == (0, "All checks passed!\n")
    assert (formatted.returncode, formatted.stdout) == (0, "")


def test_the_tests_of_a_new_plugin_pass_at_once_even_where_its_id_is_a_word_of_the_server(tmp_path: Path) -> None:
    folder = new_plugin("customer", into=tmp_path)

    told = in_folder(folder, "pytest", "-q", "-p", "no:cacheprovider", "-k", "sqlite", "tests/test_tally.py")

    assert told.returncode == 0, told.stdout
    assert "8 passed" in told.stdout


@pytest.mark.parametrize("plugin_id", ["", "Tea", "tea club", "1tea", "tea-club", "../tea", "té", "x" * 31, "tea_"])
def test_an_id_that_no_plugin_can_have_writes_nothing(plugin_id: str, tmp_path: Path) -> None:
    with pytest.raises(PluginIdUnusable, match="lower snake case"):
        new_plugin(plugin_id, into=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_no_plugin_can_be_called_as_a_command_of_the_server() -> None:
    assert {part.word for part in PARTS} - RESERVED_IDS == set()


@pytest.mark.parametrize("plugin_id", ["plugin", "serve", "migrations", "core"])
def test_a_word_of_the_server_writes_nothing(plugin_id: str, tmp_path: Path) -> None:
    with pytest.raises(PluginIdUnusable, match="belongs to the server"):
        new_plugin(plugin_id, into=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_the_id_of_a_plugin_that_is_installed_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "site" / "regulars_tea_club-1.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: regulars-tea-club\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[regulars]\ntea_club = somewhere.manifest:manifest\n")
    monkeypatch.syspath_prepend(tmp_path / "site")

    with pytest.raises(PluginIdTaken, match="A plugin tea_club is installed already"):
        new_plugin("tea_club", into=tmp_path)

    assert [entry.name for entry in tmp_path.iterdir()] == ["site"]


def test_a_package_of_the_same_name_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site" / "regulars_tea_club").mkdir(parents=True)
    (tmp_path / "site" / "regulars_tea_club" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "site")

    with pytest.raises(PluginIdTaken, match="A package regulars_tea_club is installed already"):
        new_plugin("tea_club", into=tmp_path)

    assert [entry.name for entry in tmp_path.iterdir()] == ["site"]


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    mine = tmp_path / "regulars-tea-club" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("years of work")

    with pytest.raises(FolderTaken, match="nothing is overwritten"):
        new_plugin("tea_club", into=tmp_path)

    assert [file.read_text() for file in mine.parent.iterdir()] == ["years of work"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["regulars-tea-club"]


def test_a_disk_that_is_full_half_way_leaves_nothing(tmp_path: Path) -> None:
    new_in_little_room = (
        "import resource, sys; from regulars.cli.main import run;"
        " resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000)); sys.exit(run(['plugin', 'new', 'tea_club']))"
    )

    # -B: what is compiled is not kept, since it would not fit either.
    words = [sys.executable, "-B", "-c", new_in_little_room]
    told = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)

    assert (told.returncode, told.stderr) == (1, "regulars: [Errno 27] File too large\n")
    assert list(tmp_path.iterdir()) == []


def test_errors_are_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes = [run(["plugin", "new", "clv", "--into", str(tmp_path)]), run(["plugin", "new", "Tea"])]
    codes.append(run(["plugin", "new", "tea_club", "--into", str(tmp_path / "nowhere")]))

    told = capsys.readouterr().err.splitlines()
    assert codes == [1, 2, 2]
    assert [line.partition(":")[0] for line in told] == ["regulars"] * 3
    assert list(tmp_path.iterdir()) == []
