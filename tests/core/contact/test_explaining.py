"""What a marketer is told on the command line."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.core.contact.senders import willing

from regulars.cli.main import run
from regulars.contact.requests import ContactRequest
from regulars.contact.rule_set import ContactRules
from regulars.contact.rules import ContactRule, Defer
from regulars.contact.sentences import told_in_sentences
from regulars.contact.service import decide_contact
from regulars.customers.models import Customer, CustomerIdentity
from regulars.database import Database, open_engine
from regulars.settings import Settings
from regulars.testing.app import App


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
        "No. Marketing by e-mail must not go to this customer, and waiting does not help.",
        "What stands in the way:",
        "  - Nobody has granted marketing.own by email.",
        "    Ask them first, at the checkout or on the page of their preferences.",
        "Decided for marketing.own under policy p1. Rules in the way: no_consent.",
    ]


def test_a_receipt_may_go(grace: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["contact", "explain", grace, "--channel", "email", "--class", "transactional"]) == 0

    assert capsys.readouterr().out.startswith(
        "Yes. A message about what they bought by e-mail may go to this customer now."
    )


async def test_what_ends_is_told_by_the_clock_of_the_customer(app: App) -> None:
    anna, now = await willing(app), app.clock.now()
    async with app.database.writing() as session:
        (await session.get_one(Customer, anna)).time_zone = "Europe/Berlin"
    rest = ContactRule(
        "rest",
        lambda _needs, request, at: (
            Defer("They asked for a rest.", until=request.now + timedelta(days=3))
            if at < request.now + timedelta(days=3)
            else None
        ),
        number=36,
        owner="shop",
    )

    async with app.database.reading() as session:
        decided = await decide_contact(
            session,
            customer_id=anna,
            request=ContactRequest(channel="sms", contact_class="service", topic="books"),
            rules=ContactRules((rest,)),
            registry=app.server.consent_registry,
            now=now,
        )

    assert list(told_in_sentences(decided)) == [
        "Not now. A service message about books by text message may go from Thursday, 05 March 2026 at 13:00 where the"
        " customer is (12:00 UTC) on, which is about 3 days from now, if nothing else changes.",
        "What stands in the way:",
        "  - They asked for a rest. This ends Thursday, 05 March 2026 at 13:00 where the customer is (12:00 UTC).",
        "Decided under policy p1. Rules in the way: rest of shop.",
    ]


def test_an_unknown_address_is_told_in_a_line(grace: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["contact", "explain", "nobody@example.com", "--channel", "email"]) == 1

    assert "There is no customer nobody@example.com" in capsys.readouterr().err
