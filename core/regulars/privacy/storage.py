"""Remove from the database's own files what a deletion leaves there."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from regulars.database import Database
from regulars.errors import RegularsError

__all__ = ["StorageBusy", "clean_storage"]

PATIENCE_S = 20.0
PAUSE_S = 0.2


class StorageBusy(RegularsError):
    """A reader held on to old pages for so long that the write-ahead log could not be emptied."""

    code = "STORAGE_BUSY"

    def __init__(self) -> None:
        super().__init__("The write-ahead log could not be emptied, because somebody reads an old state. Tried again.")


async def clean_storage(database: Database, *, tables: Collection[str]) -> Mapping[str, Any]:
    """Empty SQLite's write-ahead log, or let PostgreSQL vacuum the tables and forget its samples; return what was done.

    SQLite overwrites what it deletes (``secure_delete``), and there is no full-text index but the table of words, so
    an empty log is all that is missing. Raises ``StorageBusy``.
    """
    if database.dialect == "sqlite":
        await _empty_log(database)
        return {"writeAheadLog": "emptied", "deletedRows": "overwritten"}
    async with database.engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        for table in sorted(tables):
            quoted = alone.dialect.identifier_preparer.quote(table)
            await alone.exec_driver_sql(f"VACUUM (ANALYZE) {quoted}")
    return {"vacuumed": sorted(tables)}


async def _empty_log(database: Database) -> None:
    waited = 0.0
    while True:
        async with database.engine.connect() as connection:
            raw = await connection.get_raw_connection()
            driver: Any = raw.driver_connection
            (patience_ms,) = (await driver.execute_fetchall("PRAGMA busy_timeout"))[0]
            await driver.execute_fetchall("PRAGMA busy_timeout = 0")  # waiting here would hold up a whole thread
            busy, *_ = (await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)"))[0]
            await driver.execute_fetchall(f"PRAGMA busy_timeout = {int(patience_ms)}")
        if not busy:
            return
        if waited >= PATIENCE_S:
            raise StorageBusy
        await asyncio.sleep(PAUSE_S)
        waited += PAUSE_S
