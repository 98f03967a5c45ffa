import re
from pathlib import Path

from tests.plan import ROWS, Shown, table_of

TESTS = Path(__file__).parents[1]
MARK = re.compile(r"mark\.row\((\d+)\)")


def test_every_row_that_a_test_names_is_in_the_plan() -> None:
    named = {int(row) for path in TESTS.rglob("test_*.py") for row in MARK.findall(path.read_text(encoding="utf-8"))}

    assert named
    assert named <= set(ROWS)


def test_the_table_tells_what_was_shown_and_what_was_not() -> None:
    passed = Shown(2, "smoke", "sqlite", "passed", "test_a", {"seed": 7, "kills": 10}, 1.0)
    failed = Shown(2, "smoke", "sqlite", "failed", "test_b", {}, 1.0)

    lines = table_of([passed, failed]).splitlines()

    assert f"| 2 | {ROWS[2]} | smoke | sqlite | 1 of 2 | seed 7, kills 10 |" in lines
    assert f"| 3 | {ROWS[3]} | – | – | not shown | |" in lines
    assert len(lines) == 2 + len(ROWS)
