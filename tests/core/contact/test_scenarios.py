"""Every scenario of the case file has a test that carries its id."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.core.contact.case_file import CASE_FILE, DEFAULT, SCENARIOS

TESTS = Path(__file__).parents[2]
NAMED = frozenset(
    name
    for path in TESTS.rglob("test_*.py")
    for name in re.findall(r"^\s*(?:async )?def test_([a-z]\d\d)_", path.read_text(encoding="utf-8"), re.MULTILINE)
)


@pytest.mark.parametrize("scenario", [pytest.param(one, id=one["id"]) for one in SCENARIOS])
@pytest.mark.skipif(CASE_FILE != DEFAULT, reason="scenarios of another file are words, and no test knows them")
def test_a_scenario_has_a_test_named_by_its_id(scenario: Mapping[str, Any]) -> None:
    assert scenario["id"].lower() in NAMED
