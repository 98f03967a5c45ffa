"""Send events to `/v1/batch` of a server that runs, as a site's own program does, and take the time of every request.

The server is `regulars serve` in a process of its own, with its work in the background, on a durable database. Each
client sends one batch after another on one connection. Customers come again and again; every tenth message is of
somebody new. At the end every event that was answered with 200 must be there, each once. The processor's time of the
server says what an event costs on a machine that others use, too. Before that a few events come one by one, as the
yardstick.

    EVENTS=20000 BATCH=100 CLIENTS=4 python benchmarks/tracking.py [sqlite] [postgresql]
"""

import asyncio
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from socket import create_server
from typing import Any

import asyncpg
import httpx
from sqlalchemy import text

from regulars.database import Database, open_engine
from regulars.settings import Settings
from regulars.testing.databases import PostgresDatabases, SqliteDatabases, postgres_server

EVENTS = int(os.environ.get("EVENTS", "20000"))
BATCH = int(os.environ.get("BATCH", "100"))
CLIENTS = int(os.environ.get("CLIENTS", "4"))
CUSTOMERS = max(EVENTS // 10, 1)
ONE_BY_ONE = max(EVENTS // 40, 1)
SECONDS_TO_START = 120


def regulars(*words: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "regulars.cli.main", *words], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


@contextmanager
def serving(url: str, folder: Path) -> Iterator[tuple[str, str, int]]:
    """Serve the database; give the address, a write key and the id of the process."""
    with create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "REGULARS_DATABASE_URL": url,
        "REGULARS_PORT": str(port),
        "REGULARS_TRACKING_PER_SECOND": "0",
        "REGULARS_AUDIT_HEADS": str(folder / "heads"),
    }
    printed = regulars("key", "create", "the site", "--source", "site", environment=environment)
    key = next(word for word in printed.split() if word.startswith("rgl_"))
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "regulars.cli.main", "serve"], env=environment, stdout=log, stderr=log
        )
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/ready")
            yield f"http://127.0.0.1:{port}", key, server.pid
        finally:
            server.terminate()
            server.wait(timeout=30)


def wait_until_ready(address: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        try:
            if httpx.get(address, timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise RuntimeError("The server was not ready in time.")


def batches(first: int, count: int, size: int) -> list[dict[str, Any]]:
    """Return what is sent: orders and visits of customers by user id, and visitors of whom nothing is known."""
    random = Random(1)
    messages = [
        {
            "type": "track",
            "messageId": f"m-{number}",
            "event": "Order Completed",
            "properties": {"revenue": random.randrange(100, 100_000) / 100, "currency": "EUR", "items": 3},
            **({"anonymousId": f"a-{number}"} if number % 10 == 0 else {"userId": f"u-{random.randrange(CUSTOMERS)}"}),
        }
        for number in range(first, first + count)
    ]
    return [{"batch": messages[begin : begin + size]} for begin in range(0, count, size)]


async def send_all(address: str, key: str, waiting: list[dict[str, Any]]) -> tuple[float, list[float]]:
    """Return how long everything took, and each request, in seconds."""
    took = []

    async def be_client() -> None:
        async with httpx.AsyncClient(base_url=address, auth=(key, ""), timeout=60) as client:
            while waiting:
                batch = waiting.pop()
                begun = time.perf_counter()
                answer = await client.post("/v1/batch", json=batch)
                took.append(time.perf_counter() - begun)
                assert answer.status_code == 200, answer.text

    begun = time.perf_counter()
    await asyncio.gather(*(be_client() for _ in range(CLIENTS)))
    return time.perf_counter() - begun, took


async def check(url: str) -> None:
    database = Database(open_engine(Settings(database_url=url, statement_timeout_s=120)))
    async with database.reading() as session:
        assert await session.scalar(text("SELECT count(*) FROM core_touchpoint")) == EVENTS + ONE_BY_ONE
        assert (
            await session.scalar(text("SELECT count(DISTINCT external_id) FROM core_touchpoint")) == EVENTS + ONE_BY_ONE
        )
    await database.close()


def cpu_seconds(pid: int) -> float:
    """Return what a process has used of the processors, without those of a database server."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def measure(name: str, url: str, folder: Path) -> None:
    with serving(url, folder) as (address, key, pid):
        begun = cpu_seconds(pid)
        alone, _ = asyncio.run(send_all(address, key, batches(0, ONE_BY_ONE, 1)))
        between = cpu_seconds(pid)
        seconds, took = asyncio.run(send_all(address, key, batches(ONE_BY_ONE, EVENTS, BATCH)))
        cpu, cpu_alone = (cpu_seconds(pid) - between) / EVENTS * 1e6, (between - begun) / ONE_BY_ONE * 1e6
    asyncio.run(check(url))
    in_ms = sorted(each * 1000 for each in took)
    p99 = in_ms[min(len(in_ms) - 1, int(len(in_ms) * 0.99))]
    print(
        f"{name}: {EVENTS / seconds:,.0f} events/s; a request of {BATCH} events takes {statistics.median(in_ms):.0f} ms"
        f" (p99 {p99:.0f} ms); {len(in_ms)} requests by {CLIENTS} clients in {seconds:.1f} s;"
        f" {cpu:.0f} µs of the server's CPU an event",
        flush=True,
    )
    print(
        f"{name}, one by one: {ONE_BY_ONE / alone:,.0f} events/s, {cpu_alone:,.0f} µs; {BATCH} together:"
        f" {EVENTS / seconds * alone / ONE_BY_ONE:.1f} times as many, {cpu_alone / cpu:.1f} times less CPU; goal 5"
    )


async def make_durable(url: str) -> None:
    """Undo what makes the server of the tests quick and careless."""
    connection = await asyncpg.connect(url)
    for setting in ("fsync", "synchronous_commit"):
        await connection.execute(f"ALTER SYSTEM RESET {setting}")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()


def main() -> None:
    chosen = sys.argv[1:] or ["sqlite", "postgresql"]
    print(
        f"Python {platform.python_version()}; {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f};"
        f" {EVENTS:,} events of {CUSTOMERS:,} customers"
    )
    with tempfile.TemporaryDirectory(prefix="regulars-") as name:
        folder = Path(name)
        if "sqlite" in chosen:
            with SqliteDatabases(folder).fresh() as url:
                measure("sqlite", url, folder)
        if "postgresql" in chosen:
            with postgres_server(f"bench{os.getpid()}") as server:
                asyncio.run(make_durable(server.render_as_string(hide_password=False)))
                maker = PostgresDatabases(server)
                with maker.fresh() as url:
                    measure("postgresql", url, folder)
                maker.close()


if __name__ == "__main__":
    main()
