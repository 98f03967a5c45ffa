"""Tell how much memory an import adds to a process: its peak, beside what the process held before.

The database is SQLite, whose pages lie in the process, too. Another process makes it and the customers, so that nothing
is left over from that which the import could use again.

    SIZE=1000000 python benchmarks/import_memory.py
"""

import asyncio
import gc
import os
import shutil
import tempfile
from pathlib import Path

from ingest import SIZE, write_customers, write_file
from sqlalchemy import text

from regulars.clock import SystemClock
from regulars.database import Database, open_engine
from regulars.ingest.files import inspect_file
from regulars.ingest.memory import collecting_seldom
from regulars.ingest.plans import plan_import
from regulars.ingest.service import FileImport
from regulars.settings import Settings
from regulars.testing.databases import SqliteDatabases
from regulars.touchpoints.types import core_touchpoint_types

GOAL_MB = 100


def held_mb(kind: str) -> float:
    """Return what the process holds now (``VmRSS``), or held at most since the peak was forgotten (``VmHWM``)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(kind)) * 1024 / 1e6


def make(folder: Path) -> None:
    """Make the file, and the database with its customers."""

    async def write(url: str) -> None:
        database = Database(open_engine(Settings(database_url=url)))
        await write_customers(database)
        await database.close()

    write_file(folder / "touchpoints.csv")
    with SqliteDatabases(folder).fresh() as url:
        asyncio.run(write(url))
        shutil.copyfile(url.removeprefix("sqlite:///"), folder / "customers.db")


async def measure(folder: Path) -> None:
    database = Database(open_engine(Settings(database_url=f"sqlite:///{folder / 'customers.db'}")))
    async with database.writing() as session:
        await session.execute(text("SELECT 1"))
    file, plan = inspect_file(folder / "touchpoints.csv"), plan_import("touchpoints", source="shop")

    async def tell(_done: int, _total: int) -> None:
        return None

    gc.collect()
    before = held_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
    work = FileImport(file, plan, core_touchpoint_types(), database, SystemClock(), "system")
    with collecting_seldom():
        report = await work.run(rejects=folder / "rejected.csv", tell=tell)
    assert report.created == SIZE, report
    print(f"{SIZE:,} touchpoints: {before:.0f} MB before, {held_mb('VmHWM') - before:.0f} MB added; goal {GOAL_MB}")
    await database.close()


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="regulars-") as name:
        folder = Path(name)
        if (child := os.fork()) == 0:
            make(folder)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        asyncio.run(measure(folder))


if __name__ == "__main__":
    main()
