from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen

import pytest
from sqlalchemy import func, select
from sqlmodel import col
from tests.core.forking import Processes, forker
from tests.core.races.racing import race
from tests.plan import Figures

from regulars.access.actors import SYSTEM
from regulars.access.owners import ForService
from regulars.access.permissions import CORE_PERMISSIONS
from regulars.access.server_secret import ensure_server_secret
from regulars.access.service import create_key
from regulars.customers.changes import CustomerChanges
from regulars.customers.models import Customer
from regulars.customers.service import create_customer
from regulars.database import Database

pytestmark = [pytest.mark.row(7), pytest.mark.timeout(180)]

SIZES = [50, pytest.param(500, marks=pytest.mark.full)]


@pytest.fixture(scope="session")
def loaded() -> Iterator["Popen[str]"]:
    """Give a process that forks racers quickly."""
    with forker("tests.core.races.racing") as process:
        yield process


@pytest.fixture
def racers(loaded: "Popen[str]") -> Iterator[Processes]:
    """Give processes that end with the test."""
    started = Processes(loaded)
    yield started
    started.kill_all()


@pytest.mark.parametrize("turns", SIZES)
async def test_two_processes_that_merge_each_into_the_other_make_one_of_each_pair(
    racers: Processes, database: Database, database_url: str, tmp_path: Path, turns: int, figures: Figures
) -> None:
    pairs = [[await new_customer(database), await new_customer(database)] for _ in range(turns)]

    first, second = await race(racers, ["first merger", "second merger"], database_url, tmp_path, turns=pairs)

    figures(race="merge A into B, B into A", pairs=turns, won_by_first=first.count("merged"))
    assert [sorted(both) for both in zip(first, second, strict=True)] == [["merged", "refused"]] * turns
    async with database.reading() as session:
        customers = (await session.scalars(select(Customer))).all()
    survivors = {customer.id for customer in customers if customer.merged_into_id is None}
    assert (len(customers), len(survivors)) == (2 * turns, turns)
    assert {customer.merged_into_id for customer in customers} - {None} == survivors


@pytest.mark.parametrize("turns", SIZES)
async def test_two_processes_that_ask_under_the_same_keys_have_one_effect_each(
    racers: Processes, database: Database, database_url: str, tmp_path: Path, turns: int, figures: Figures
) -> None:
    names = [f"Customer {number}" for number in range(turns)]
    key = await admin_key(database)

    first, second = await race(racers, ["asker", "asker"], database_url, tmp_path, turns=names, key=key)

    figures(race="idempotency keys", keys=turns)
    assert first == second
    assert len(set(first)) == turns
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Customer)) == turns
        assert await session.scalar(select(func.count(col(Customer.display_name).distinct()))) == turns


async def new_customer(database: Database) -> str:
    async with database.writing() as session:
        customer = await create_customer(
            session, changes=CustomerChanges(), identities=[], actor=SYSTEM, now=datetime.now(UTC)
        )
    return str(customer.id)


async def admin_key(database: Database) -> str:
    async with database.writing() as session:
        issued = await create_key(
            session,
            name="race",
            owner=ForService("admin"),
            permissions=CORE_PERMISSIONS,
            secret=await ensure_server_secret(session, configured=""),
            actor=SYSTEM,
            now=datetime.now(UTC),
        )
    return issued.text
