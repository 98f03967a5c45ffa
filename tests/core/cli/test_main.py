import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

from regulars.cli.main import PARTS, Part, run

HEAVY = {"sqlalchemy", "sqlmodel", "strawberry", "starlette", "numpy", "structlog", "rich.console", "regulars.settings"}


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = run(["--help"])

    listed = [
        line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ") and line.split()
    ]
    assert exit_code == 0
    assert [word for word in listed if word in {part.word for part in PARTS}] == [part.word for part in PARTS]


@pytest.mark.parametrize("part", PARTS, ids=[part.word for part in PARTS])
def test_each_command_can_be_imported(part: Part) -> None:
    assert isinstance(part.load(), typer.Typer) or callable(part.load())


@pytest.mark.parametrize("part", PARTS, ids=[part.word for part in PARTS])
def test_each_command_has_help(part: Part, capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = run([part.word, "--help"])

    assert exit_code == 0
    assert f"Usage: regulars {part.word}" in capsys.readouterr().out


def test_help_about_a_group_tells_each_command_in_a_whole_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    run(["key", "--help"])

    lines = " ".join(capsys.readouterr().out.split())
    assert "Show every key: whose it is, until when it holds, never the key itself." in lines


def modules_after(words: list[str], *, folder: Path) -> set[str]:
    program = f"from regulars.cli.main import run; import sys; run({words!r}); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("words", [["serve", "--help"], ["key", "create", "--help"], ["db", "--help"]])
def test_help_imports_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    imported = modules_after(words, folder=tmp_path)

    assert imported.isdisjoint(HEAVY)


def test_help_about_all_commands_imports_no_command_and_no_plugin(tmp_path: Path) -> None:
    imported = modules_after(["--help"], folder=tmp_path)

    assert imported.isdisjoint({*HEAVY, "pydantic", "importlib.metadata"})
    assert not any(name.startswith("regulars_") for name in imported)
    assert {name for name in imported if name.startswith("regulars.cli.")} == {
        "regulars.cli.main",
        "regulars.cli.summaries",
    }


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = run(["--version"])

    assert exit_code == 0
    assert capsys.readouterr().out.strip() == version("regulars")


def test_an_unknown_command_is_a_wrong_command(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = run(["keyy", "list"])

    assert exit_code == 2
    assert "No such command 'keyy'" in capsys.readouterr().err


def test_commands_have_distinct_words() -> None:
    words = [part.word for part in PARTS]

    assert len(set(words)) == len(words)
    assert all(import_module(part.target.partition(":")[0]).__doc__ for part in PARTS)
