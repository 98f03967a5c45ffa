"""The test plan: which test shows which of its rows, with which figures.

A test says so with ``@pytest.mark.row(2)``, and gives its figures with the fixture ``figures``. ``--plan NAME`` writes
what was found to ``.work/test-plan/NAME.json`` and as a table to ``NAME.md``, and prints the table. ``--row 7`` runs
the tests of one row alone.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any, Protocol

import pytest

__all__ = ["ROWS", "Figures", "PlanResults", "Shown", "table_of"]

ROWS = {
    1: "A killed import loses nothing and doubles nothing",
    2: "A killed worker loses nothing and doubles nothing",
    3: "Killed at named points",
    4: "A database that is copied while it is written to",
    5: "PostgreSQL is restarted under load",
    6: "The network to the database breaks",
    7: "Two processes race",
    8: "Two schedulers make one row per tick",
    9: "Hostile documents",
    10: "A field costs what it is priced at",
    11: "Who may see what",
    12: "Nobody's words reach anybody else",
    13: "Plugins that fail",
    14: "No contact without consent",
    15: "Erasure is complete",
    16: "The ledger shows what was tampered with",
    17: "Webhooks arrive once per id",
    18: "Requests to the outside stay outside",
    19: "Migrations",
    20: "Random input",
    21: "Hours under load",
    22: "Mutants of the code are noticed",
    23: "Clocks",
}
"""The rows of the test plan, by number."""

FOLDER = Path(__file__).parents[1] / ".work" / "test-plan"
ENGINES = {"postgresql": "postgres", "sqlite": "sqlite"}
LONGEST_FIGURE = 60


class Figures(Protocol):
    """Keeps figures of the test that runs."""

    def __call__(self, **figures: object) -> None:
        """Keep these, by name; anything that is no number, word or truth is kept as its text."""
        ...


@dataclass(frozen=True)
class Shown:
    """What one test showed of one row; ``engine`` is empty where no database takes part."""

    row: int
    size: str
    engine: str
    outcome: str
    test: str
    figures: Mapping[str, Any]
    seconds: float


@pytest.fixture
def figures(record_property: Any) -> Figures:
    """Give what keeps figures for the table of the test plan."""

    def keep(**figures: object) -> None:
        for name, value in figures.items():
            record_property(f"figure:{name}", value if isinstance(value, int | float | str | bool) else str(value))

    return keep


@pytest.fixture
def seed(figures: Figures) -> int:
    """Give another seed to each run, or that of REGULARS_TEST_SEED; it stands among the figures, and with failures."""
    chosen = int(os.environ.get("REGULARS_TEST_SEED") or SystemRandom().randrange(2**32))
    figures(seed=chosen)
    print(f"REGULARS_TEST_SEED={chosen}")
    return chosen


class PlanResults:
    """Gathers what the tests of one run showed, from every process that runs tests."""

    def __init__(self, name: str | None) -> None:
        self._name = name
        self.shown: list[Shown] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        item.user_properties += [("row", number) for number in sorted(rows_of(item))]
        item.user_properties.append(("engine", _engine_of(item)))
        item.user_properties.append(("size", "full" if item.get_closest_marker("full") else "smoke"))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.outcome == "passed":
            return
        properties = report.user_properties
        figures = {name.removeprefix("figure:"): value for name, value in properties if str(name).startswith("figure:")}
        engine, size = (
            next((str(value) for name, value in properties if name == wanted), "") for wanted in ("engine", "size")
        )
        for row in dict.fromkeys(int(str(value)) for name, value in properties if name == "row"):
            self.shown.append(
                Shown(row, size, engine, report.outcome, report.nodeid, figures, round(report.duration, 2))
            )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._name is None or not self.shown:
            return
        table = table_of(self.shown)
        FOLDER.mkdir(parents=True, exist_ok=True)
        results = [asdict(one) for one in sorted(self.shown, key=lambda one: (one.row, one.test))]
        (FOLDER / f"{self._name}.json").write_text(json.dumps(results, indent=2), encoding="utf-8")
        (FOLDER / f"{self._name}.md").write_text(table, encoding="utf-8")
        terminalreporter.section("the test plan")
        terminalreporter.write(table)
        terminalreporter.write_line(f"Written to .work/test-plan/{self._name}.json and .md")


def _engine_of(item: pytest.Item) -> str:
    words = f"{item.nodeid.partition('[')[2]} {' '.join(getattr(item, 'fixturenames', ()))}"
    return next((engine for engine, sign in ENGINES.items() if sign in words), "")


def table_of(shown: Sequence[Shown]) -> str:
    """Return a table with a line for each row, size and engine, the rows that nothing was shown of included."""
    lines = ["| row | | size | engine | passed | figures |", "| --- | --- | --- | --- | --- | --- |"]
    for number, title in ROWS.items():
        of_row = [one for one in shown if one.row == number]
        lines += list(_lines(number, title, of_row)) or [f"| {number} | {title} | – | – | not shown | |"]
    return "\n".join(lines) + "\n"


def _lines(number: int, title: str, shown: Sequence[Shown]) -> Iterator[str]:
    for size in ("smoke", "full"):
        for engine in (*ENGINES, ""):
            found = [one for one in shown if (one.size, one.engine) == (size, engine)]
            if found:
                passed = sum(one.outcome == "passed" for one in found)
                told = "; ".join(filter(None, (_told(one.figures) for one in found)))
                yield f"| {number} | {title} | {size} | {engine or 'either'} | {passed} of {len(found)} | {told} |"


def _told(figures: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {str(value)[:LONGEST_FIGURE].replace('|', '/')}" for name, value in figures.items())


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the name under which the results of the test plan are kept, and the row that is wanted alone."""
    parser.addoption("--plan", metavar="NAME", default=None, help="keep the results of the test plan under this name")
    parser.addoption("--row", metavar="NUMBER", type=int, default=None, help="run the tests of this row alone")


def pytest_configure(config: pytest.Config) -> None:
    """Gather results in this process; with several, the one that starts the others has them all."""
    config.pluginmanager.register(PlanResults(config.getoption("--plan")), "plan-results")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of other rows when one is wanted."""
    row = config.getoption("--row")
    if row is None:
        return
    others = [item for item in items if row not in rows_of(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if row in rows_of(item)]


def rows_of(item: pytest.Item) -> set[int]:
    """Return the rows that a test names."""
    return {number for mark in item.iter_markers("row") for number in mark.args}
