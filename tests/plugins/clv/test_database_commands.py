import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from regulars.customers.models import Customer
from regulars.database import Database, open_engine
from regulars.settings import Settings
from regulars.touchpoints.models import Touchpoint
from regulars_clv.cli import app

pytestmark = pytest.mark.usefixtures("logging_restored")

START = datetime(2024, 3, 1, 23, 30, tzinfo=UTC)


def write_shop(url: str, customers: int) -> None:
    async def run() -> None:
        database = Database(open_engine(Settings(database_url=url)))
        async with database.writing() as session:
            for number in range(customers):
                customer = Customer(display_name=f"C{number}", created_at=START, updated_at=START)
                session.add(customer)
                await session.flush()
                for visit in range(1 + number % 5):
                    session.add(order(customer, START + timedelta(days=number % 40 + 13 * visit), Decimal(10 + number)))
        await database.close()

    asyncio.run(run())


def order(customer: Customer, at: datetime, amount: Decimal) -> Touchpoint:
    return Touchpoint(
        customer_id=customer.id,
        profile_id=customer.id,
        type="order",
        occurred_at=at,
        received_at=at,
        amount=amount,
        currency="EUR",
        source="shop",
    )


def test_without_a_file_the_fit_reads_the_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_shop(database_url, customers=60)
    monkeypatch.setenv("REGULARS_DATABASE_URL", database_url)

    outcome = CliRunner().invoke(app, ["fit", "--calibration-end", "2024-09-30", "--json"])

    report = json.loads(outcome.stdout)
    assert outcome.exit_code == 0
    assert (report["customers"], report["repeaters"], report["model"]) == (60, 48, "mbgnbd")


@pytest.mark.parametrize(("zone", "day"), [("UTC", "2024-03-01"), ("Europe/Berlin", "2024-03-02")])
def test_a_purchase_belongs_to_the_day_of_the_company(
    database_url: str, monkeypatch: pytest.MonkeyPatch, zone: str, day: str
) -> None:
    write_shop(database_url, customers=1)
    monkeypatch.setenv("REGULARS_DATABASE_URL", database_url)
    monkeypatch.setenv("REGULARS_COMPANY_TIME_ZONE", zone)

    outcome = CliRunner().invoke(app, ["prepare", "--period", "day", "--json"])

    assert json.loads(outcome.stdout)["calibration_end"] == day


def test_an_empty_database_says_so(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_DATABASE_URL", database_url)

    outcome = CliRunner().invoke(app, ["fit", "--json"])

    assert (outcome.exit_code, json.loads(outcome.stdout)["error_code"]) == (3, "CLV_EMPTY")
