"""Hosts for plugins that a test makes."""

import random
from collections.abc import AsyncIterator
from typing import Protocol

import pytest_asyncio
from sqlalchemy import select
from sqlmodel import col
from tests.core.plugins.fakes import CUSTOMER, OTHER_CUSTOMER, GoldCard

from regulars.clock import SettableClock
from regulars.customers.models import Customer
from regulars.database import Database
from regulars.plugins.calling.calls import Budgets
from regulars.plugins.host import PluginHost
from regulars.plugins.joining.discovery import FoundPlugin
from regulars.settings import Settings

SHORT = Budgets(merge_s=1, events_s=1, personal_data_s=1, collecting_s=1, holding_s=0.3)


class MakeHost(Protocol):
    """Makes a host on the test's database, as another process would have it."""

    async def __call__(self, *found: FoundPlugin, budgets: Budgets = ..., **settings: object) -> PluginHost: ...


@pytest_asyncio.fixture
async def make_host(database: Database, database_url: str, clock: SettableClock) -> AsyncIterator[MakeHost]:
    hosts: list[PluginHost] = []

    async def make(*found: FoundPlugin, budgets: Budgets = Budgets(), **settings: object) -> PluginHost:  # noqa: B008
        host = PluginHost(
            database,
            Settings(database_url=database_url, **settings),  # type: ignore[arg-type]  # named by the test
            clock=clock,
            found=found,
            budgets=budgets,
            chance=random.Random(7),
        )
        hosts.append(host)
        await host.start()
        return host

    yield make
    for host in hosts:
        await host.close()


@pytest_asyncio.fixture
async def two_customers(database: Database, clock: SettableClock) -> None:
    """Keep two customers."""
    async with database.writing() as session:
        for id in (CUSTOMER, OTHER_CUSTOMER):
            session.add(Customer(id=id, created_at=clock.now(), updated_at=clock.now()))


async def points_of(database: Database) -> dict[object, int]:
    """Return the points on the cards of each customer."""
    async with database.reading() as session:
        cards = await session.scalars(select(GoldCard).order_by(col(GoldCard.points)))
        return {card.customer_id: card.points for card in cards}
