"""Row 7 of the test plan, with the product's own processes: two serve one database, and do the same or the opposite."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import select
from sqlmodel import col
from tests.plan import Figures
from tests.real.people import add_willing_customers, enqueue
from tests.real.racing import RESERVED, Client, all_looked_at, clients_of, reserve, told_in_order, withdraw
from tests.real.several import Process, Shop
from tests.real.sinks import Arrivals, receiving_mails

from regulars.customers.models import Customer
from regulars.database import Database, open_engine
from regulars.settings import Settings
from regulars.testing.databases import PostgresDatabases

pytestmark = [pytest.mark.real, pytest.mark.row(7), pytest.mark.timeout(900)]

HOUSE_CAP = 3
"""How many contacts a week the policy allows that comes with the tables."""

CAPPED = ("DEFER", "frequency_cap")
CREATE = "mutation ($name: String!) { customerCreate(input: {displayName: $name}) { customer { databaseId } } }"
COME_AGAIN = 409


@pytest.fixture(scope="module")
def mails() -> Iterator[Arrivals]:
    with receiving_mails() as arrivals:
        yield arrivals


@pytest.fixture(scope="module")
def shop(
    mails: Arrivals, postgres_databases: PostgresDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A shop that keeps to caps, whose messages go by mail."""
    with postgres_databases.fresh() as url:
        yield Shop(
            url,
            tmp_path_factory.mktemp("shop"),
            plugins=("preference_centre",),
            given={"herald": "tests.real.herald:manifest"},
            mail_server=f"smtp+plain://127.0.0.1:{mails.port}",
            mail_from="hello@shop.example.com",
            rate_per_second="0",
        )


@pytest.fixture(scope="module")
def processes(shop: Shop) -> Iterator[list[Process]]:
    with shop.serving() as one, shop.serving() as other:
        yield [one, other]


@pytest.fixture
async def database(shop: Shop) -> AsyncIterator[Database]:
    opened = Database(open_engine(Settings(database_url=shop.url)))
    yield opened
    await opened.close()


def addresses(race: str, count: int) -> list[str]:
    return [f"{race}{number}@example.org" for number in range(count)]


async def create_under_key(client: Client, name: str) -> bytes:
    """Ask under a key until the answer is there, and return it."""
    while True:
        body = {"query": CREATE, "variables": {"name": name}}
        answer = await client.post("/graphql", json=body, headers={"idempotency-key": name})
        if answer.status_code != COME_AGAIN:
            return answer.content
        await asyncio.sleep(0.01)


async def created_by_both(clients: list[Client], name: str) -> set[bytes]:
    return set(await asyncio.gather(*(create_under_key(client, name) for client in clients)))


@pytest.mark.parametrize("count", [50, pytest.param(2_000, marks=pytest.mark.full)])
async def test_two_servers_that_are_asked_under_the_same_keys_do_each_thing_once(
    processes: list[Process], database: Database, count: int, figures: Figures
) -> None:
    names = [f"Customer {number}" for number in range(count)]

    async with clients_of(*processes) as clients:
        answers = [await created_by_both(clients, name) for name in names]

    figures(race="two servers, the same keys", keys=count)
    assert {len(different) for different in answers} == {1}
    assert len(set.union(*answers)) == count
    async with database.reading() as session:
        created = await session.scalars(select(col(Customer.display_name)).where(col(Customer.display_name).in_(names)))
        assert sorted(map(str, created)) == sorted(names)


@pytest.mark.parametrize("count", [50, pytest.param(500, marks=pytest.mark.full)])
async def test_two_servers_that_are_asked_at_once_give_exactly_as_many_slots_as_there_are(
    processes: list[Process], database: Database, count: int, figures: Figures
) -> None:
    customers = await add_willing_customers(database, addresses(f"slots{count}-", count))

    async with clients_of(*processes) as clients:
        decisions = await reserve(clients, customers, each=2)

    figures(race="two servers, the last slots under a cap", customers=count)
    assert decisions == [Counter({RESERVED: HOUSE_CAP, CAPPED: 1})] * count


@pytest.mark.parametrize("count", [50, pytest.param(300, marks=pytest.mark.full)])
async def test_two_servers_that_send_at_once_send_each_customer_as_much_as_the_cap_allows(
    processes: list[Process], mails: Arrivals, database: Database, count: int, figures: Figures
) -> None:
    readers = addresses(f"capped{count}-", count)
    customers = await add_willing_customers(database, readers)

    messages = await enqueue(database, customers, each=HOUSE_CAP + 2)
    states = await all_looked_at(database, messages)

    sent = mails.of(messages)
    figures(race="two servers send under a cap", customers=count, mails=sent.total())
    assert states == {"sent": HOUSE_CAP * count, "deferred": 2 * count}
    assert set(sent.values()) == {1}
    assert Counter(mails.addresses) & Counter(readers * (HOUSE_CAP + 2)) == Counter(readers * HOUSE_CAP)


@pytest.mark.parametrize("count", [50, pytest.param(300, marks=pytest.mark.full)])
async def test_two_servers_send_nothing_more_once_a_customer_has_withdrawn(
    processes: list[Process], mails: Arrivals, database: Database, count: int, figures: Figures
) -> None:
    customers = await add_willing_customers(database, addresses(f"leaving{count}-", count))

    async with clients_of(*processes) as clients:
        messages = await enqueue(database, customers, each=HOUSE_CAP)
        await withdraw(clients, customers, distance_s=0.02)
        states = await all_looked_at(database, messages)

    sent = mails.of(messages)
    figures(race="two servers, withdrawal and send", withdrawals=count, mails=sent.total(), held=states["suppressed"])
    assert states.keys() == {"sent", "suppressed"}
    assert (states.total(), states["sent"]) == (HOUSE_CAP * count, sent.total())
    assert set(sent.values()) == {1}
    told = await told_in_order(database, customers)
    assert [types.index("consent.withdrawn") for types in told] == [len(types) - 1 for types in told]
