import json
from typing import Any

import pytest
from tests.packaging.environments import ROOT


@pytest.fixture(scope="session")
def reference() -> dict[str, Any]:
    """Published and recomputed figures of lifetime value."""
    figures: dict[str, Any] = json.loads((ROOT / "tests/data/clv_reference.json").read_text(encoding="utf-8"))
    return figures
