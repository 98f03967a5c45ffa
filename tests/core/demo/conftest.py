from collections.abc import AsyncIterator
from datetime import date
from zoneinfo import ZoneInfo

import httpx
import pytest
import pytest_asyncio

from regulars.clock import SettableClock
from regulars.demo.loading import Telling
from regulars.demo.preparation import SIMULATED, History
from regulars.demo.settings import demo_settings
from regulars.demo.simulation import simulated_purchases
from regulars.outgoing.opening import open_outgoing
from regulars.settings import Settings
from regulars.testing.app import App
from regulars.testing.databases import TestDatabases
from regulars.testing.internet import FakeInternet
from regulars.testing.making import make_web


@pytest.fixture(scope="session")
def history() -> History:
    """Purchases of 110 customers: enough for a fit, and for two batches."""
    return History(SIMULATED, simulated_purchases(customers=110))


@pytest.fixture
def telling() -> Telling:
    return Telling("cdnow", "All of it.", date(2026, 3, 1), ZoneInfo("Europe/Berlin"))


@pytest_asyncio.fixture
async def app(databases: TestDatabases, database_url: str, clock: SettableClock) -> AsyncIterator[App]:
    """A server as the demo runs it: with the plugins that are installed, and a worker."""
    settings = demo_settings(Settings(database_url=database_url))
    http = FakeInternet(settings)
    web = make_web(databases, settings, clock=clock, outgoing=open_outgoing(settings, transport=http))
    transport = httpx.ASGITransport(web)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        app = App(web, client, clock, http)
        async with app.server.running():
            yield app
