"""Ask this server on SQLite, beside its statements alone through the same asynchronous engine.

    SIZE=10000 python benchmarks/graphql/sqlite.py

The rows are those of the PostgreSQL of the benchmark, copied once. The statements run one after another, which is what
the goals are about, and as many at once as there are requests: then they cost more, for SQLite's threads wait for one
another.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import uvloop
from cluster import WORK, Cluster, cluster
from data import TABLES, database_of, make_tables
from measuring import CONNECTIONS, ROUNDS, SECONDS, Contender, conditions, measure, median, spread
from plugin import use_plugin
from servers import Running, started
from sqlalchemy import event, insert, select

from regulars.access.actors import Actor
from regulars.access.permissions import permissions_of_role
from regulars.database import Database, begin_sqlite, open_engine
from regulars.settings import Settings
from regulars.tables import Table
from regulars.web.server import Server

SIZE = int(os.environ.get("SIZE", "10000"))
GOALS = {"q1": 2.0, "q2": 1.3, "q3": None}
ASKED = 40
AT_ONCE = 2_000

Statement = tuple[str, tuple[Any, ...]]


def main() -> None:
    """Copy the rows, then measure server and statements query by query."""
    print(f"{conditions()}; {SIZE} customers")
    use_plugin()
    with cluster() as postgres:
        url = _copied(postgres)
    with started([("regulars", url, SIZE)]) as [running]:
        for query, goal in GOALS.items():
            _compare(query, goal, running, url)
    print(f"load at the end {os.getloadavg()[0]:.1f}")


def _compare(query: str, goal: float | None, running: Running, url: str) -> None:
    [slices] = measure([Contender(running, query)], postgres_pid=None).values()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        bare = runner.run(_bare_cpu_ms(url, [orjson.loads(body) for body in running.bodies(query)[:ASKED]]))
    mine, least, crowded = median(slices, lambda one: one.cpu_ms), *map(statistics.median, bare)
    share = mine / least
    verdict = "" if goal is None else f", goal at most {goal}: {'met' if share <= goal else 'MISSED'}"
    print(
        f"{query}  CPU ms: server {mine:.3f} {spread(slices, lambda one: one.cpu_ms)}, statement alone {least:.3f}"
        f" [{min(bare[0]):.3f}-{max(bare[0]):.3f}] ({share:.2f}x{verdict}),"
        f" {CONNECTIONS} at once {crowded:.3f} ({mine / crowded:.2f}x)"
        f"  {median(slices, lambda one: one.per_second):.0f} req/s"
        f"  p50 {median(slices, lambda one: one.p50_ms):.1f} ms  p99 {median(slices, lambda one: one.p99_ms):.1f} ms"
        f"  {slices[0].kilobytes:.1f} KB",
        flush=True,
    )


async def _bare_cpu_ms(url: str, asked: Sequence[Mapping[str, Any]]) -> tuple[list[float], list[float]]:
    """Return the CPU of the statements of these queries, in ms for each, by round: one by one, and several at once."""
    server = Server(Settings(database_url=url, worker=False, audit_heads=str(WORK / "audit-heads")))
    async with server.running():
        statements = await _statements_of(server, asked)
        engine = open_engine(server.settings)
        event.remove(engine.sync_engine, "begin", begin_sqlite)  # one statement alone needs no transaction

        async def run_in_turn(place: int, until: float) -> int:
            run = 0
            while time.perf_counter() < until:
                statement, values = statements[(place + run) % len(statements)]
                async with engine.connect() as connection:
                    (await connection.exec_driver_sql(statement, values)).scalar_one()
                run += 1
            return run

        async def round_of(at_once: int) -> float:
            cpu, until = time.process_time(), time.perf_counter() + SECONDS
            run = sum(await asyncio.gather(*(run_in_turn(place, until) for place in range(at_once))))
            return (time.process_time() - cpu) * 1000 / run

        rounds = [(await round_of(1), await round_of(CONNECTIONS)) for _ in range(ROUNDS)]
        await engine.dispose()
        return [alone for alone, _ in rounds], [crowded for _, crowded in rounds]


async def _statements_of(server: Server, asked: Sequence[Mapping[str, Any]]) -> list[Statement]:
    found: list[Statement] = []
    await server.database.close()  # what it keeps open; its engine opens anew
    server.database = _Noting(server.database, found)
    admin = Actor("staff", name="bench", permissions=permissions_of_role("admin", server.permissions))
    for each in asked:
        await server.ask(each["query"], each["variables"], admin)
    return found


class _Noting(Database):
    """The database of a server, which notes the statements of plans."""

    def __init__(self, other: Database, found: list[Statement]) -> None:
        super().__init__(other.engine, apart=other.engines[-1])
        self._found = found

    async def read_text(self, statement: str, values: tuple[Any, ...], *, patience_s: float) -> str:
        """Note a statement, and run it."""
        self._found.append((statement, values))
        return await super().read_text(statement, values, patience_s=patience_s)


def _copied(postgres: Cluster) -> str:
    name = database_of(postgres, SIZE)
    path = WORK / f"{name}.db"
    if not path.exists():
        making = WORK / "making.db"
        for leftover in WORK.glob("making.db*"):
            leftover.unlink()
        make_tables(f"sqlite:///{making}")
        asyncio.run(_copy(postgres.url(name), f"sqlite:///{making}"))
        making.rename(path)
    return f"sqlite:///{path}"


async def _copy(source_url: str, target_url: str) -> None:
    source, target = open_engine(Settings(database_url=source_url)), open_engine(Settings(database_url=target_url))
    try:
        for name in TABLES:
            table = Table.metadata.tables[name]
            async with source.connect() as reading, target.begin() as writing:
                async for rows in (await reading.stream(select(table))).mappings().partitions(AT_ONCE):
                    await writing.execute(insert(table), [dict(row) for row in rows])
    finally:
        await source.dispose()
        await target.dispose()


if __name__ == "__main__":
    main()
