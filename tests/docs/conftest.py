"""What the tests of the documentation share."""

import sys
from pathlib import Path
from typing import Any

import pytest
from tests.docs.pages import ROOT

sys.path.insert(0, str(ROOT / "tests" / "third_party" / "loyalty_card"))


@pytest.fixture
def server_settings(tmp_path: Path) -> dict[str, Any]:
    """Let files that are sent lie beside the test's own."""
    return {"uploads": str(tmp_path / "uploads")}
