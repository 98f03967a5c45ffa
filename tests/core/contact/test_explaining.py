"""What a marketer is told on the command line."""

import asyncio
from datetime import UTC, datetime

import pytest

from regulars.cli.main import run
from regulars.customers.models import Customer, CustomerIdentity
from regulars.database import Database, open_engine
from regulars.settings import Settings


@pytest.fixture
def grace(database_url: str, monkeypatch: pytest.MonkeyPatch, logging_restored: None) -> str:
    """Give the address of a customer who has allowed nothing."""
    monkeypatch.setenv("REGULARS_DATABASE_URL", database_url)
    asyncio.run(add_grace(database_url))
    return "grace@example.com"


async def add_grace(url: str) -> None:
    database, now = Database(open_engine(Settings(database_url=url))), datetime(2026, 3, 2, tzinfo=UTC)
    async with database.writing() as session:
        customer = Customer(created_at=now, updated_at=now)
        session.add(customer)
        await session.flush()
        session.add(
            CustomerIdentity(
                customer_id=customer.id,
                profile_id=customer.id,
                kind="email",
                value="grace@example.com",
                normalised="grace@example.com",
                created_at=now,
            )
        )
    await database.close()


def test_a_marketer_reads_in_plain_sentences_what_stands_in_the_way(
    grace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["contact", "explain", grace, "--channel", "email", "--purpose", "marketing.own"]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "No: a marketing contact by email for marketing.own must not go, and waiting does not help.",
        "  - Nobody has granted marketing.own by email. (no_consent)",
        "The customer's time zone is not known; UTC was assumed.",
        "Decided under policy p1.",
    ]


def test_a_receipt_may_go(grace: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["contact", "explain", grace, "--channel", "email", "--class", "transactional"]) == 0

    assert capsys.readouterr().out.startswith("Yes: a transactional contact by email for transactional may go now.")


def test_an_unknown_address_is_told_in_a_line(grace: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["contact", "explain", "nobody@example.com", "--channel", "email"]) == 1

    assert "There is no customer nobody@example.com" in capsys.readouterr().err
