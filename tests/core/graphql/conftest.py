from typing import Any

import pytest

from regulars.testing.app import App


@pytest.fixture
def server_settings() -> dict[str, Any]:
    return {"company_name": "The bookshop", "company_time_zone": "Europe/Berlin"}


@pytest.fixture
def core(app: App) -> App:
    """Give the server without any plugin."""
    return app
