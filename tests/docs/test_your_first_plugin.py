"""Whoever follows the tutorial has a plugin whose tests pass."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from tests.docs.pages import DOCS
from tests.docs.reader import Reader

from regulars.clock import SettableClock
from regulars.testing.databases import SqliteDatabases
from regulars.testing.making import running_app
from regulars.testing.snapshots import UPDATE

PAGE = DOCS / "tutorial" / "your-first-plugin.md"

pytestmark = pytest.mark.timeout(300)


def run(folder: Path, *words: str, **variables: str) -> str:
    """Return what a program prints that is run in the plugin's folder, be it good or bad."""
    environment = {**os.environ, "PYTHONPATH": str(folder), **variables}
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=200).stdout


async def test_the_plugin_of_the_tutorial_answers_and_its_tests_pass(
    tmp_path: Path, sqlite_databases: SqliteDatabases, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    author, folder = Reader(tmp_path, database_url=f"sqlite:///{tmp_path}/shop.db"), tmp_path / "regulars-stamp-book"
    await author.follow(PAGE, without="graphql")
    monkeypatch.syspath_prepend(folder)

    before = run(folder, "pytest", "-q", "-k", "sqlite and (schema_changes or coffee)", "tests")
    written = run(folder, "pytest", "-q", "-k", "sqlite and schema_changes", "tests/test_tally.py", **{UPDATE: "1"})
    linted = run(folder, "ruff", "check", ".") + run(folder, "ruff", "format", "--diff", ".")
    async with running_app(sqlite_databases, [import_module("regulars_stamp_book.manifest").manifest], clock) as app:
        till = Reader(tmp_path, app)
        await till.follow(PAGE, without="sh")

    assert "FAILED tests/test_tally.py::test_the_schema_changes_only_knowingly[sqlite]" in before
    assert "1 failed, 1 passed" in before
    assert "1 passed" in written
    assert "Customer.stampBookLine: String" in (folder / "tests" / "schema.txt").read_text(encoding="utf-8")
    assert linted == "All checks passed!\n"
    assert (author.done, till.done) == (1, 2)
