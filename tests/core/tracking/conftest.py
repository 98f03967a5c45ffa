import pytest
from tests.core.tracking.sites import Site, write_key

from regulars.testing.app import App


@pytest.fixture
async def site(app: App) -> Site:
    return Site(app, await write_key(app))
