"""The cases P08 and P09 of the case file."""

from datetime import date, timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from regulars.access.actors import SYSTEM
from regulars.access.owners import ForCustomer
from regulars.access.server_secret import ensure_server_secret
from regulars.access.service import create_key
from regulars.consents.models import GpcSignal
from regulars.testing.app import App


@pytest.fixture
async def anna(app: App) -> UUID:
    return await app.add_customer("Anna")


async def key_of(app: App, customer_id: UUID) -> str:
    async with app.database.writing() as session:
        issued = await create_key(
            session,
            name="browser",
            owner=ForCustomer(customer_id),
            permissions=app.server.permissions,
            secret=await ensure_server_secret(session, configured=""),
            actor=SYSTEM,
            now=app.clock.now(),
        )
    return issued.text


async def visit(app: App, key: str, *signals: str) -> httpx.Response:
    headers = [("authorization", f"Bearer {key}"), *(("sec-gpc", signal) for signal in signals)]
    return await app.client.post("/graphql", headers=headers, json={"query": "{ viewer { name } }"})


async def signals(app: App) -> list[GpcSignal]:
    async with app.database.reading() as session:
        return list(await session.scalars(select(GpcSignal)))


@pytest.mark.parametrize("sent", [["1"], ["0", "1"], ["1,1"], [" 1 "]])
async def test_p08_any_header_that_says_1_stops_sharing(app: App, anna: UUID, sent: list[str]) -> None:
    answer = await visit(app, await key_of(app, anna), *sent)

    assert answer.status_code == 200
    assert [(signal.customer_id, signal.at) for signal in await signals(app)] == [(anna, app.clock.now())]
    assert len(await app.events("consent.gpc_seen")) == 1


@pytest.mark.parametrize("sent", [[], ["0"], ["true"], ["11"], ["1;q=1"], [""]])
async def test_p08_every_other_value_means_nothing(app: App, anna: UUID, sent: list[str]) -> None:
    answer = await visit(app, await key_of(app, anna), *sent)

    assert answer.status_code == 200
    assert await signals(app) == []


async def test_a_repeated_signal_adds_nothing(app: App, anna: UUID) -> None:
    key = await key_of(app, anna)
    await visit(app, key, "1")
    first = [signal.id for signal in await signals(app)]
    app.clock.advance(timedelta(seconds=30))

    await visit(app, key, "1")

    assert [signal.id for signal in await signals(app)] == first


async def test_the_signal_of_a_colleagues_browser_says_nothing_about_any_customer(app: App, anna: UUID) -> None:
    headers = await app.key("frontline")

    await app.client.post("/graphql", headers={**headers, "sec-gpc": "1"}, json={"query": "{ viewer { name } }"})

    assert await signals(app) == []


async def test_p09_the_server_says_that_it_heeds_the_signal(app: App) -> None:
    answer = await app.client.get("/.well-known/gpc.json")

    told = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert told["gpc"] is True
    assert date.fromisoformat(told["lastUpdate"]) <= date(2026, 12, 31)
