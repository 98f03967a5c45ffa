"""Processes that import the file `orders.csv` of a folder, to be killed, or to write while others look."""

import asyncio
from functools import partial
from pathlib import Path

from tests.core.forking import fork_on_demand

from regulars.clock import SystemClock
from regulars.database import Database
from regulars.ingest.files import inspect_file
from regulars.ingest.plans import plan_import
from regulars.ingest.service import FileImport
from regulars.touchpoints.types import core_touchpoint_types

CHUNK = 100
FILE = "orders.csv"
HEADER = "customer_external_id,type,occurred_at,amount,currency,external_id"
CUSTOMERS = 500


def write_orders(folder: Path, *, rows: int) -> None:
    """Write a file in which ``rows`` orders of 500 customers stand, each with an id of its own."""
    lines = [f"c{row % CUSTOMERS},order,2026-01-05T10:00:00Z,{row}.50,EUR,o{row}" for row in range(rows)]
    (folder / FILE).write_text("\n".join([HEADER, *lines]))


async def import_orders(database: Database, folder: Path, *, pause_s: float = 0.0) -> None:
    """Import the file from where it stopped, with a pause after each chunk."""

    async def tell(_done: int, _total: int) -> None:
        await asyncio.sleep(pause_s)

    file, plan = inspect_file(folder / FILE), plan_import("touchpoints", source="shop")
    importing = FileImport(file, plan, core_touchpoint_types(), database, SystemClock(), "system", CHUNK)
    await importing.run(rejects=folder / "rejected.csv", tell=tell)


if __name__ == "__main__":
    fork_on_demand({"importer": import_orders, "unhurried importer": partial(import_orders, pause_s=0.05)})
