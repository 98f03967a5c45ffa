"""What the tests of the documentation share."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def server_settings(tmp_path: Path) -> dict[str, Any]:
    """Let files that are sent lie beside the test's own."""
    return {"uploads": str(tmp_path / "uploads")}
