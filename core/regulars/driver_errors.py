"""What the drivers of databases raise; the driver of PostgreSQL is loaded only where the database is one."""

import sqlite3
import sys

__all__ = ["driver_errors"]


def driver_errors() -> tuple[type[Exception], ...]:
    """Return what the drivers raise for a statement that failed; a driver that is not loaded raises nothing."""
    asyncpg = sys.modules.get("asyncpg")
    return (sqlite3.Error,) if asyncpg is None else (sqlite3.Error, asyncpg.PostgresError)
