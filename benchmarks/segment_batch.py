"""Send events through `/v1/batch`, a hundred at a time, beside the same events one by one through `/v1/track`.

Each request goes through the whole server, from the ASGI application to the commit; only the socket is left out. Half
of the events come from people who are known, half from visitors who come for the first time. Both ways end with the
same number of touchpoints and customers, which is checked.

    SIZE=20000 ROUNDS=5 python benchmarks/segment_batch.py [sqlite] [postgresql]
"""

import asyncio
import base64
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy
import structlog
from sqlalchemy import func, select, text

from regulars.access.actors import SYSTEM
from regulars.access.owners import ForSource
from regulars.access.server_secret import ensure_server_secret
from regulars.access.service import create_key
from regulars.customers.models import Customer
from regulars.settings import Settings
from regulars.testing.databases import PostgresDatabases, SqliteDatabases, TestDatabases, postgres_server
from regulars.touchpoints.models import Touchpoint
from regulars.web.application import create_app
from regulars.web.server import Server

SIZE = int(os.environ.get("SIZE", "2000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
TOGETHER = 100
GOAL = 5.0


@dataclass(frozen=True)
class Sent:
    """How long every request took, and all of them."""

    latencies: Sequence[float]
    seconds: float

    @property
    def per_second(self) -> float:
        return SIZE / self.seconds

    @property
    def p99_ms(self) -> float:
        return sorted(self.latencies)[max(0, round(len(self.latencies) * 0.99) - 1)] * 1000


def events(round: str) -> list[dict[str, Any]]:
    """Return tracks, every second one of a visitor whom nobody saw before."""
    return [
        {
            "type": "track",
            **({"userId": f"u-{number % 1000}"} if number % 2 else {"anonymousId": f"{round}-{number}"}),
            "event": "Product Viewed",
            "messageId": f"{round}-{number}",
            "timestamp": "2026-03-01T10:00:00.000Z",
            "properties": {"sku": f"S-{number % 97}", "price": 19.9, "url": f"https://shop.example/{number % 97}"},
            "context": {"library": {"name": "benchmark"}, "userAgent": "Mozilla/5.0", "locale": "de-DE"},
        }
        for number in range(SIZE)
    ]


async def send(client: httpx.AsyncClient, path: str, bodies: Sequence[Any]) -> Sent:
    latencies = []
    begun = time.perf_counter()
    for body in bodies:
        sent = time.perf_counter()
        answer = await client.post(path, json=body)
        latencies.append(time.perf_counter() - sent)
        assert answer.status_code == 200, answer.text
    return Sent(latencies, time.perf_counter() - begun)


async def write_key(server: Server) -> str:
    async with server.database.writing() as session:
        issued = await create_key(
            session,
            name="benchmark",
            owner=ForSource("site"),
            permissions=server.permissions,
            secret=await ensure_server_secret(session, configured=""),
            actor=SYSTEM,
            now=server.clock.now(),
        )
    return issued.text


async def counts(server: Server) -> tuple[int, int]:
    async with server.database.reading() as session:
        touchpoints = await session.scalar(select(func.count()).select_from(Touchpoint))
        customers = await session.scalar(select(func.count()).select_from(Customer))
    return touchpoints or 0, customers or 0


async def measure(name: str, url: str) -> None:
    app = create_app(Settings(database_url=url, worker=False, tracking_per_second=0))
    server: Server = app.state.server
    async with server.running():
        async with server.database.reading() as session:
            version = (
                await session.scalar(text("SHOW server_version")) if name == "postgresql" else sqlite3.sqlite_version
            )
        basic = base64.b64encode(f"{await write_key(server)}:".encode()).decode()
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://benchmark", headers={"authorization": f"Basic {basic}"}
        )
        known = [{"type": "identify", "userId": f"u-{number}"} for number in range(1000)]
        await send(client, "/v1/batch", [{"batch": known[at : at + TOGETHER]} for at in range(0, 1000, TOGETHER)])
        alone, together = [], []
        for round in range(ROUNDS):
            before = await counts(server)
            alone.append(await send(client, "/v1/track", events(f"a{round}")))
            between = await counts(server)
            some = events(f"b{round}")
            batches = [{"batch": some[at : at + TOGETHER]} for at in range(0, SIZE, TOGETHER)]
            together.append(await send(client, "/v1/batch", batches))
            after = await counts(server)
            grown = [
                tuple(new - old for new, old in zip(*pair, strict=True))
                for pair in ((between, before), (after, between))
            ]
            assert grown[0] == grown[1] == (SIZE, SIZE // 2), grown
        tell(f"{name} {version}", alone, together)


def tell(name: str, alone: Sequence[Sent], together: Sequence[Sent]) -> None:
    print(f"{name}: {SIZE:,} events, {ROUNDS} rounds")
    for label, rounds in (("one by one", alone), (f"{TOGETHER} together", together)):
        rates = [one.per_second for one in rounds]
        p99 = statistics.median(one.p99_ms for one in rounds)
        spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
        print(f"  {label:14} {statistics.median(rates):>8,.0f} events/s ({spread}); p99 of a request {p99:.1f} ms")
    ratios = [many.per_second / one.per_second for one, many in zip(alone, together, strict=True)]
    ratio = statistics.median(ratios)
    verdict = "met" if ratio >= GOAL else "MISSED"
    print(f"  together / one by one: {ratio:.1f}x ({min(ratios):.1f} to {max(ratios):.1f}); goal {GOAL:g}x {verdict}")


def main() -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    wanted = sys.argv[1:] or ["sqlite", "postgresql"]
    load = ", ".join(f"{one:.2f}" for one in os.getloadavg())
    print(
        f"Python {platform.python_version()}, SQLAlchemy {sqlalchemy.__version__}, {os.cpu_count()} CPUs, load {load}"
    )
    if "sqlite" in wanted:
        with tempfile.TemporaryDirectory() as folder:
            databases: TestDatabases = SqliteDatabases(Path(folder))
            with databases.fresh() as url:
                asyncio.run(measure("sqlite", url))
    if "postgresql" in wanted:
        with postgres_server("segment-batch") as url:
            postgres = PostgresDatabases(url)
            with postgres.fresh() as fresh:
                asyncio.run(measure("postgresql", fresh))
            postgres.drop_templates()


if __name__ == "__main__":
    main()
