"""Row 3 of the test plan, with the product's own worker: it is killed at every named point while it sends."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import col
from tests.plan import Figures
from tests.real.people import add_willing_customers, enqueue
from tests.real.racing import all_looked_at, message_states
from tests.real.several import Shop
from tests.real.sinks import Arrivals, receiving_mails, receiving_requests

from regulars.crash_points import CrashPoint
from regulars.database import Database, open_engine
from regulars.messages.models import Message
from regulars.settings import Settings
from regulars.testing.databases import TestDatabases

pytestmark = [pytest.mark.real, pytest.mark.row(3), pytest.mark.timeout(1800)]

POINTS = [point for point in CrashPoint if point.startswith("message.")]
IN_DOUBT = [CrashPoint.MESSAGE_ON_ITS_WAY, CrashPoint.MESSAGE_HANDED_OVER, CrashPoint.MESSAGE_SETTLED]
TAKEN_BEFORE_THE_KILL = IN_DOUBT[1:]
KILLED = -9
MESSAGES = 3
SECRET = "whsec_" + "QUJD" * 8
EACH_ENGINE = ["postgresql", pytest.param("sqlite", marks=pytest.mark.full)]


@dataclass(frozen=True)
class Way:
    """How the mails of a shop leave, and where they arrive."""

    arrivals: Arrivals
    settings: dict[str, str]


@pytest.fixture(params=EACH_ENGINE)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    kinds = {"sqlite": "sqlite_databases", "postgresql": "postgres_databases"}
    databases: TestDatabases = request.getfixturevalue(kinds[request.param])
    with databases.fresh() as fresh:
        yield fresh


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = Database(open_engine(Settings(database_url=url)))
    yield opened
    await opened.close()


@pytest.fixture
def by_mail() -> Iterator[Way]:
    """A mail server, which does not know a mail again that it has taken."""
    with receiving_mails() as arrivals:
        address = f"smtp+plain://127.0.0.1:{arrivals.port}"
        yield Way(arrivals, {"mail_server": address, "mail_from": "hello@shop.example.com"})


@pytest.fixture
def by_request() -> Iterator[Way]:
    """A receiver of signed requests, which may heed their ids."""
    with receiving_requests() as arrivals:
        where = f"127.0.0.1:{arrivals.port}"
        yield Way(
            arrivals,
            {
                "signed_channels": "email",
                "hand_off_url": f"http://{where}/messages",
                "hand_off_secret": SECRET,
                "private_targets": where,
            },
        )


def shop_of(url: str, folder: Path, way: Way) -> Shop:
    given = {"herald": "tests.real.herald:manifest"}
    return Shop(url, folder, plugins=(), given=given, **way.settings)


async def kill_everywhere(
    shop: Shop, database: Database, points: Sequence[CrashPoint], *, passings: int = 1
) -> list[UUID]:
    """Have one worker after another killed, each at another point, then let a server go on; return all messages."""
    ids: list[UUID] = []
    for point in [*points] * passings:
        (customer,) = await add_willing_customers(database, [f"{len(ids)}@example.org"])
        ids += await enqueue(database, [customer], each=MESSAGES, template="herald.order")
        await asyncio.to_thread(die, shop, point)
        await let_leases_end(database)
    with shop.serving():
        await all_looked_at(database, ids)
    return ids


def die(shop: Shop, point: CrashPoint) -> None:
    """Let a worker work until it passes the point."""
    command = [sys.executable, "-m", "tests.real.mortal", point, str(shop.folder / "killed"), "worker"]
    with (shop.folder / f"{point}.log").open("w") as log:
        ended = subprocess.run(command, env=shop.environment, stdout=log, stderr=log, timeout=240, check=False)
    assert ended.returncode == KILLED, (shop.folder / f"{point}.log").read_text()


async def let_leases_end(database: Database) -> None:
    """Let the two minutes pass after which another process may go on with what one began."""
    async with database.writing() as session:
        began = col(Message.ended_at).is_(None)
        await session.execute(update(Message).where(began).values(next_at=datetime.now(UTC)))


@pytest.mark.parametrize("passings", [1, pytest.param(2, marks=pytest.mark.full)])
async def test_of_a_killed_server_no_mail_leaves_twice_and_those_in_doubt_are_listed(
    url: str, database: Database, by_mail: Way, tmp_path: Path, passings: int, figures: Figures
) -> None:
    shop = shop_of(url, tmp_path, by_mail)

    ids = await kill_everywhere(shop, database, POINTS, passings=passings)

    states, arrived = await message_states(database, ids), by_mail.arrivals.of(ids)
    doubtful = passings * len(IN_DOUBT)
    figures(kills=len(POINTS) * passings, messages=len(ids), by="mail", arrived=arrived.total(), unknown=doubtful)
    assert states == {"sent": len(ids) - doubtful, "unknown": doubtful}
    assert set(arrived.values()) == {1}
    assert arrived.total() == len(ids) - passings


@pytest.mark.parametrize("passings", [1, pytest.param(2, marks=pytest.mark.full)])
async def test_of_a_killed_server_every_message_arrives_where_its_id_is_heeded(
    url: str, database: Database, by_request: Way, tmp_path: Path, passings: int, figures: Figures
) -> None:
    shop = shop_of(url, tmp_path, by_request)

    ids = await kill_everywhere(shop, database, IN_DOUBT, passings=passings)

    states, arrived = await message_states(database, ids), by_request.arrivals.of(ids)
    figures(kills=len(IN_DOUBT) * passings, messages=len(ids), by="request", arrived=arrived.total(), unknown=0)
    assert states == {"sent": len(ids)}
    assert set(arrived) == set(ids)
    assert arrived.total() == len(ids) + passings * len(TAKEN_BEFORE_THE_KILL)
