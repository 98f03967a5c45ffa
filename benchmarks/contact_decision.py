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
from sqlalchemy import select, text
from sqlmodel import col

from regulars.access.actors import SYSTEM
from regulars.consents.models import ConsentEvent
from regulars.consents.registry import core_consent_registry
from regulars.contact.audience_job import ask_about_audience
from regulars.contact.audiences import Audience
from regulars.contact.models import ContactVerdict
from regulars.contact.policies import policy_of, read_policy
from regulars.contact.requests import ContactRequest, as_rules_see_it
from regulars.contact.rule_set import ContactRules
from regulars.contact.service import decide_contact
from regulars.customers.models import Customer, CustomerIdentity
from regulars.database import Database, open_engine
from regulars.ingest.staging import write_rows
from regulars.settings import Settings
from regulars.suppressions.models import SuppressedIdentity, Suppression
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
    """Return the ids of customers with their names, their ledgers and their entries on the suppression list."""
    chance, ids = Random(7), [new_id() for _ in range(SIZE)]
    for first in range(0, SIZE, CHUNK):
        some = ids[first : first + CHUNK]
        names = [identity_of(id) for id in some]
        listed = [(suppression_of(name, chance), name) for name in names if chance.random() < 0.01]
        async with database.writing() as session:
            await write_rows(session, Customer, [customer_of(id) for id in some])
            await write_rows(session, CustomerIdentity, names)
            await write_rows(session, ConsentEvent, [entry for id in some for entry in ledger_of(id, chance)])
            await write_rows(session, Suppression, [entry for entry, _ in listed])
            about_names = [
                {"suppression_id": entry["id"], "identity_id": name["id"]}
                for entry, name in listed
                if entry["address_hash"] is not None
            ]
            await write_rows(session, SuppressedIdentity, about_names)
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ANALYZE" if database.dialect == "sqlite" else "VACUUM ANALYZE"))
    return ids


def customer_of(id: UUID) -> dict[str, Any]:
    return {
        "id": id,
        "created_at": NOW,
        "updated_at": NOW,
        "age": "adult",
        "status": "active",
        "has_guardian_consent": False,
        "version": 1,
        "time_zone": "Europe/London",
    }


def identity_of(id: UUID) -> dict[str, Any]:
    address = f"{id.hex}@example.com"
    return {
        "id": new_id(),
        "customer_id": id,
        "profile_id": id,
        "kind": "email",
        "source": "",
        "value": address,
        "normalised": address,
        "verified_at": NOW,
        "created_at": NOW,
    }


def suppression_of(name: dict[str, Any], chance: Random) -> dict[str, Any]:
    """Return an entry, every other one about the address and the others about the person."""
    is_about_name = chance.random() < 0.5
    return {
        "id": new_id(),
        "kind": chance.choice(("hard_bounce", "complaint")),
        "channel": "*",
        "address_hash": name["id"].hex if is_about_name else None,
        "customer_id": None if is_about_name else name["customer_id"],
        "profile_id": None if is_about_name else name["customer_id"],
        "reason": "benchmark",
        "actor": "benchmark",
        "created_at": NOW - timedelta(days=1),
    }


def ledger_of(id: UUID, chance: Random) -> list[dict[str, Any]]:
    """Return the entries of one customer."""
    kind = chance.random()
    own = [] if kind < 1 / 3 else [("grant", "marketing.own")]
    if kind > 0.9:
        own.append(("withdraw", "marketing.own"))
    if kind > 0.98:
        own.append(("grant", "marketing.own"))
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
            "origin": "customer",
            "basis": "express",
            "needs_confirmation": False,
            "is_proven": True,
            "words_hmac": "",
        }
        for number, (action, purpose) in enumerate(own + others)
    ]


async def quantiles(work: Callable[[UUID], Awaitable[object]], ids: list[UUID]) -> tuple[float, float, float]:
    """Return median and 95th percentile in milliseconds, and this process's time of the processor for each."""
    for id in ids[:50]:
        await work(id)
    taken, busy = [], time.process_time()
    for id in ids:
        began = time.perf_counter()
        await work(id)
        taken.append((time.perf_counter() - began) * 1000)
    busy = (time.process_time() - busy) * 1000 / len(ids)
    return statistics.median(taken), statistics.quantiles(taken, n=20)[18], busy


async def measure_one(database: Database, ids: list[UUID]) -> None:
    async def read(id: UUID) -> None:
        async with database.reading() as session:
            assert (await session.scalars(select(Customer).where(col(Customer.id) == id))).one()

    async def decide(id: UUID) -> None:
        async with database.reading() as session:
            await decide_contact(session, customer_id=id, request=NEWSLETTER, rules=RULES, registry=REGISTRY, now=NOW)

    chosen = Random(1).sample(ids, min(ROUNDS, len(ids)))
    read_50, read_95, read_busy = await quantiles(read, chosen)
    decide_50, decide_95, decide_busy = await quantiles(decide, chosen)
    print(
        f"  one indexed read of a customer   median {read_50:6.3f} ms  p95 {read_95:6.3f} ms"
        f"  {read_busy:6.3f} ms of this process"
    )
    print(
        f"  one decision                     median {decide_50:6.3f} ms  p95 {decide_95:6.3f} ms"
        f"  {decide_busy:6.3f} ms of this process"
        f"  = {decide_95 / read_95:.2f}x at p95 (goal 2x), {decide_busy / read_busy:.2f}x of this process"
    )


TABLES = {
    "core_customer": "age",
    "core_consent_event": "actor",
    "core_customer_identity": "kind",
    "core_suppression": "kind",
    "core_suppressed_identity": "identity_id",
}
"""The tables that an audience reads from end to end, each with a column to look at."""


class Taken:
    """Seconds of the processor, of this process and of the one behind its only connection, and seconds by the clock.

    On SQLite the database is part of this process.
    """

    def __init__(self, backend: int | None) -> None:
        self._backend = backend
        self.here = self.there = self.clock = 0.0

    def __enter__(self) -> "Taken":
        self._began = self._now()
        return self

    def __exit__(self, *_: object) -> None:
        now = self._now()
        self.here, self.there, self.clock = (after - before for after, before in zip(now, self._began, strict=True))

    @property
    def of_processor(self) -> float:
        return self.here + self.there

    def _now(self) -> tuple[float, float, float]:
        there = 0.0
        if self._backend is not None:
            there = int(Path(f"/proc/{self._backend}/schedstat").read_text().split()[0]) / 1e9
        return time.process_time(), there, time.perf_counter()


async def backend_of(database: Database) -> int | None:
    if database.dialect == "sqlite":
        return None
    async with database.reading() as session:
        return int(await session.scalar(text("SELECT pg_backend_pid()")) or 0)


async def scan(database: Database, tables: list[str], backend: int | None) -> float:
    """Return the seconds of the processor that a sequential scan takes, the middle one of five."""
    taken = []
    for _ in range(5):
        with Taken(backend) as one:
            async with database.reading() as session:
                if backend is not None:  # the processes that help would not be counted
                    await session.execute(text("SET LOCAL max_parallel_workers_per_gather = 0"))
                for table in tables:
                    looked_at = f"max(CAST({TABLES[table]} AS varchar))"
                    await session.execute(text(f"SELECT count(*), {looked_at} FROM {table}"))
        taken.append(one.of_processor)
    return statistics.median(taken)


async def bare_insert(database: Database, backend: int | None) -> float:
    """Return what it takes to write a verdict for everybody without deciding anything; it is undone."""
    columns = "(audience_id, customer_id, outcome, rule)"
    rows = "SELECT :audience, id, 'ALLOW', 'allowed' FROM core_customer ORDER BY id"
    with Taken(backend) as taken:
        async with database.writing_session() as session:
            audience = UUID(int=1) if database.dialect == "postgresql" else UUID(int=1).hex
            await session.execute(text(f"INSERT INTO core_contact_verdict {columns} {rows}"), {"audience": audience})
            await session.rollback()
    return taken.of_processor


async def measure_all(database: Database, ids: list[UUID]) -> None:
    backend = await backend_of(database)
    everything = await scan(database, list(TABLES), backend)
    two = await scan(database, ["core_customer", "core_consent_event"], backend)
    writing = await bare_insert(database, backend)
    outcomes = Counter[str]()
    with Taken(backend) as taken:
        async with database.writing() as session:
            audience = await ask_about_audience(
                session, request=NEWSLETTER, customer_ids=None, registry=REGISTRY, actor=SYSTEM, now=NOW
            )
            request = as_rules_see_it(NEWSLETTER, policy=policy_of(await read_policy(session)), now=NOW)
        asked, after = Audience(audience.id, request), None
        while True:
            async with database.writing() as session:
                settled = await asked.settle(session, RULES, after=after)
            outcomes += settled.counts
            if settled.left:
                async with database.reading() as session:
                    told = await asked.ask_about(session, RULES, settled.left)
                async with database.writing() as session:
                    outcomes += await asked.keep(session, told)
            if settled.last is None:
                break
            after = settled.last
    print(f"  a scan of the {len(TABLES)} tables that are read   {everything:7.3f} s of the processor")
    print(f"  of customers and ledger alone      {two:7.3f} s")
    print(f"  a bare INSERT of as many verdicts  {writing:7.3f} s = {writing / everything:.1f}x")
    print(
        f"  all {SIZE:,} decided and kept   {taken.of_processor:7.3f} s = {taken.of_processor / everything:.1f}x"
        f" (goal 10x), {taken.of_processor / two:.1f}x of customers and ledger alone; {taken.here:.2f} s of it in this"
        f" process; {taken.clock:.1f} s by the clock (goal {SIZE * 60 / 1_000_000:.0f} s); {dict(outcomes)}"
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
    database = Database(open_engine(Settings(database_url=url, statement_timeout_s=600, pool_size=1)))
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
                databases.close()


if __name__ == "__main__":
    main()
