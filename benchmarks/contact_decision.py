"""Decide about contacts: one customer beside one indexed read of a customer, and all beside a scan of the same tables.

A third of the customers never granted anything, a tenth withdrew, the others granted the newsletter and most of them
other things too, so the ledger holds about three entries a customer. The rules are the core's own.

    SIZE=1000000 ROUNDS=1000 python benchmarks/contact_decision.py [sqlite] [postgresql]
"""

import asyncio
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy
from sqlalchemy import insert, select, text
from sqlmodel import col

from regulars.access.actors import SYSTEM
from regulars.consents.models import ConsentEvent
from regulars.consents.registry import core_consent_registry
from regulars.contact.audiences import ask_about_audience, decide_page, keep_page
from regulars.contact.models import ContactVerdict
from regulars.contact.policies import policy_of, read_policy
from regulars.contact.requests import ContactRequest, as_rules_see_it
from regulars.contact.rule_set import ContactRules
from regulars.contact.service import decide_contact
from regulars.customers.models import Customer
from regulars.database import Database, open_engine
from regulars.settings import Settings
from regulars.tables import new_id
from regulars.testing.databases import PostgresDatabases, SqliteDatabases, postgres_server

SIZE = int(os.environ.get("SIZE", "20000"))
ROUNDS = int(os.environ.get("ROUNDS", "500"))
NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
NEWSLETTER = ContactRequest(channel="email", contact_class="marketing")
RULES = ContactRules()
REGISTRY = core_consent_registry()
CHUNK = 20_000


async def fill(database: Database) -> list[UUID]:
    """Return the ids of customers with their ledgers."""
    chance, ids = Random(7), [new_id() for _ in range(SIZE)]
    for first in range(0, SIZE, CHUNK):
        some = ids[first : first + CHUNK]
        entries = [entry for id in some for entry in ledger_of(id, chance)]
        async with database.writing() as session:
            await session.execute(
                insert(Customer), [{"id": id, "created_at": NOW, "updated_at": NOW, "age": "adult"} for id in some]
            )
            await session.execute(insert(ConsentEvent), entries)
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ANALYZE"))
    return ids


def ledger_of(id: UUID, chance: Random) -> list[dict[str, Any]]:
    """Return the entries of one customer."""
    kind = chance.random()
    granted = [] if kind < 1 / 3 else [("grant", "marketing.own")]
    withdrawn = [("withdraw", "marketing.own")] if kind > 0.9 else []
    others = [("grant", purpose) for purpose in ("research", "profiling", "social_signals") if chance.random() < 0.7]
    return [
        {
            "id": new_id(),
            "customer_id": id,
            "profile_id": id,
            "action": action,
            "purpose": purpose,
            "channel": "email",
            "topic": "*",
            "at": NOW - timedelta(days=9 - number),
            "recorded_at": NOW - timedelta(days=9 - number),
            "actor": "benchmark",
            "is_proven": True,
            "words_hmac": "",
        }
        for number, (action, purpose) in enumerate(granted + withdrawn + others)
    ]


async def quantiles(work: Callable[[UUID], Awaitable[object]], ids: list[UUID]) -> tuple[float, float]:
    """Return median and 95th percentile in milliseconds."""
    for id in ids[:50]:
        await work(id)
    taken = []
    for id in ids:
        began = time.perf_counter()
        await work(id)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken), statistics.quantiles(taken, n=20)[18]


async def measure_one(database: Database, ids: list[UUID]) -> None:
    async def read(id: UUID) -> None:
        async with database.reading() as session:
            assert (await session.scalars(select(Customer).where(col(Customer.id) == id))).one()

    async def decide(id: UUID) -> None:
        async with database.reading() as session:
            await decide_contact(session, customer_id=id, request=NEWSLETTER, rules=RULES, registry=REGISTRY, now=NOW)

    chosen = Random(1).sample(ids, min(ROUNDS, len(ids)))
    (read_50, read_95), (decide_50, decide_95) = await quantiles(read, chosen), await quantiles(decide, chosen)
    print(f"  one indexed read of a customer   median {read_50:6.3f} ms  p95 {read_95:6.3f} ms")
    print(
        f"  one decision                     median {decide_50:6.3f} ms  p95 {decide_95:6.3f} ms"
        f"  = {decide_95 / read_95:.2f}x at p95 (goal 2x)"
    )


async def measure_all(database: Database, ids: list[UUID]) -> None:
    scans = []
    for _ in range(3):
        began = time.perf_counter()
        async with database.reading() as session:
            await session.execute(text("SELECT count(*), max(age) FROM core_customer"))
            await session.execute(text("SELECT count(*), max(actor) FROM core_consent_event"))
        scans.append(time.perf_counter() - began)
    scan = statistics.median(scans)
    began, outcomes = time.perf_counter(), Counter[str]()
    async with database.writing() as session:
        audience = await ask_about_audience(
            session, request=NEWSLETTER, customer_ids=None, registry=REGISTRY, actor=SYSTEM, now=NOW
        )
        request = as_rules_see_it(NEWSLETTER, policy=policy_of(await read_policy(session)), now=NOW)
    after: UUID | None = None
    while True:
        async with database.reading() as session:
            page = await decide_page(session, request=request, rules=RULES, after=after)
        async with database.writing() as session:
            await keep_page(session, audience_id=audience.id, page=page)
        outcomes.update(rule for _, rule, _ in page.outcomes.values())
        if page.last is None:
            break
        after = page.last
    taken = time.perf_counter() - began
    print(f"  a scan of customers and ledger   {scan:8.3f} s")
    print(
        f"  all {SIZE:,} decided and kept   {taken:8.2f} s = {taken / scan:.1f}x (goal 10x),"
        f" {taken / SIZE * 1_000_000:.0f} s for a million (goal 60 s); {dict(outcomes)}"
    )
    await check_sample(database, ids, audience.id)


async def check_sample(database: Database, ids: list[UUID], audience_id: UUID) -> None:
    """Say whether a sample is told the same alone."""
    wrong = 0
    async with database.reading() as session:
        for id in Random(2).sample(ids, min(200, len(ids))):
            decided = await decide_contact(
                session, customer_id=id, request=NEWSLETTER, rules=RULES, registry=REGISTRY, now=NOW
            )
            verdict = select(col(ContactVerdict.rule)).where(
                col(ContactVerdict.audience_id) == audience_id, col(ContactVerdict.customer_id) == id
            )
            kept = await session.scalar(verdict)
            wrong += kept != decided.decision.rule
    assert wrong == 0, f"{wrong} of the sample were told something else alone"


async def measure(url: str) -> None:
    database = Database(open_engine(Settings(database_url=url, statement_timeout_s=600)))
    try:
        ids = await fill(database)
        await measure_one(database, ids)
        await measure_all(database, ids)
    finally:
        await database.close()


def main() -> None:
    chosen = sys.argv[1:] or ["sqlite", "postgresql"]
    print(
        f"Python {platform.python_version()}, SQLAlchemy {sqlalchemy.__version__}, asyncpg {asyncpg.__version__},"
        f" SQLite {sqlite3.sqlite_version}; {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f};"
        f" {SIZE:,} customers, {ROUNDS} single decisions"
    )
    with tempfile.TemporaryDirectory(prefix="regulars-") as folder:
        if "sqlite" in chosen:
            print("SQLite")
            with SqliteDatabases(Path(folder)).fresh() as url:
                asyncio.run(measure(url))
        if "postgresql" in chosen:
            print("PostgreSQL")
            with postgres_server(f"contact{os.getpid()}") as server:
                databases = PostgresDatabases(server)
                with databases.fresh() as url:
                    asyncio.run(measure(url))
                databases.drop_templates()


if __name__ == "__main__":
    main()
