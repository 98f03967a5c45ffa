"""A plugin that the installed command has just written, as its author installs it: from a wheel, beside ours."""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.packaging.environments import ROOT, Environment, built_wheel, fresh_environment, install

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def author() -> Iterator[Environment]:
    """Install our wheel with what authors need, write a plugin, and install its wheel.

    Its PostgreSQL runs as another user when the tests run as root, and pytest closes its own folders to other users.
    """
    with TemporaryDirectory(prefix="regulars-author-") as name:
        folder = Path(name)
        settings = {"REGULARS_DATABASE_URL": f"sqlite:///{folder / 'shop.db'}"}
        made = fresh_environment(folder, [f"{built_wheel(ROOT, folder)}[testing]", "mypy", "ruff"], settings)
        made.run("regulars", "plugin", "new", "tea_club")
        install(made, [str(built_wheel(written(made), folder))])
        yield made


def written(author: Environment) -> Path:
    return author.work / "regulars-tea-club"


def test_the_tests_of_a_new_plugin_pass_where_its_wheel_is_installed(author: Environment) -> None:
    told = author.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=written(author), timeout=800)

    assert re.search(r"\d+ passed", told)
    assert "failed" not in told


def test_what_its_ci_checks_holds(author: Environment) -> None:
    workflow = (written(author) / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")

    linted = author.run("ruff", "check", ".", cwd=written(author))
    author.run("ruff", "format", "--check", ".", cwd=written(author))
    typed = author.run("mypy", cwd=written(author), timeout=600)

    assert re.findall(r"- run: (\w+)", workflow) == ["pip", "ruff", "ruff", "mypy", "pytest"]
    assert linted == "All checks passed!\n"
    assert typed.startswith("Success")


def test_it_can_be_enabled_and_examined(author: Environment) -> None:
    author.run("regulars", "db", "upgrade")

    plan = author.run("regulars", "plugin", "plan", "tea_club")
    enabled = author.run("regulars", "plugin", "enable", "tea_club", "--yes")
    examined = author.run("regulars", "plugin", "doctor", "tea_club")

    assert "Customer.teaClubTally" in plan
    assert enabled.endswith("tea_club: enabled\n")
    assert "BAD" not in examined


def test_its_id_is_taken_now(author: Environment) -> None:
    with pytest.raises(RuntimeError, match="A plugin tea_club is installed already"):
        author.run("regulars", "plugin", "new", "tea_club", "--into", str(author.folder))
