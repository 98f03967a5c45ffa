"""Back a database up into one compressed file while it is used, and put such a file in the place of a database."""

import gzip
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from sqlalchemy import URL

from regulars.errors import ConfigurationError
from regulars.settings import Settings

__all__ = ["BackupFailed", "back_up", "put_back"]

PAGES = 2_000
"""Pages of SQLite that are copied before writers get their turn."""


class BackupFailed(ConfigurationError):
    """A backup could not be written, or not be put back."""

    code = "BACKUP_FAILED"

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason} Nothing was replaced.")


def back_up(settings: Settings, target: Path) -> None:
    """Write the database into a new file: SQLite by its online backup, PostgreSQL by ``pg_dump``, both compressed.

    The file has its name only once it is whole, and is readable by its owner alone. Raises ``BackupFailed``.
    """
    part = target.with_name(f"{target.name}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        if settings.database.get_backend_name() == "sqlite":
            _copy_sqlite(Path(settings.database.database or ""), file)
        else:
            _run(["pg_dump", "--format=custom", "--no-owner"], settings.database, out=file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)


def put_back(settings: Settings, source: Path, *, replaces: bool) -> None:
    """Put a backup where the configured database is; a database that is there is replaced only if told so.

    Nobody may use the database meanwhile. Raises ``BackupFailed``.
    """
    if not source.is_file():
        raise BackupFailed(f"There is no backup {source}.")
    if settings.database.get_backend_name() == "sqlite":
        _put_back_sqlite(source, Path(settings.database.database or ""), replaces=replaces)
        return
    if not replaces:
        raise BackupFailed("On PostgreSQL a backup takes the place of all tables. Say so with --replace.")
    with source.open("rb") as file:
        _run(
            ["pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", "--dbname="],
            settings.database,
            given=file,
        )


def _copy_sqlite(database: Path, file: IO[bytes]) -> None:
    if not database.is_file():
        raise BackupFailed(f"There is no database {database}.")
    with TemporaryDirectory(dir=database.parent) as folder:
        copy = Path(folder) / "copy.db"
        reader, writer = sqlite3.connect(database), sqlite3.connect(copy)
        try:
            reader.backup(writer, pages=PAGES)
        finally:
            writer.close()
            reader.close()
        with copy.open("rb") as plain, gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
            shutil.copyfileobj(plain, packed, 1024 * 1024)


def _put_back_sqlite(source: Path, database: Path, *, replaces: bool) -> None:
    if database.exists() and not replaces:
        raise BackupFailed(f"{database} is there already. Stop the server and say --replace to put the backup there.")
    part = database.with_name(f"{database.name}.part")
    try:
        with gzip.open(source, "rb") as packed, part.open("wb") as plain:
            shutil.copyfileobj(packed, plain, 1024 * 1024)
        check = sqlite3.connect(part)
        (verdict,) = check.execute("PRAGMA quick_check").fetchone()
        check.close()
    except (OSError, EOFError, sqlite3.DatabaseError) as error:
        part.unlink(missing_ok=True)
        raise BackupFailed(f"{source.name} is no whole backup of SQLite ({error}).") from error
    if verdict != "ok":
        part.unlink(missing_ok=True)
        raise BackupFailed(f"{source.name} is damaged: {verdict}.")
    if database.exists() and _is_in_use(database):
        part.unlink()
        raise BackupFailed(f"{database} is in use. Stop every server and worker, then say it again.")
    for leftover in ("-wal", "-shm"):
        database.with_name(f"{database.name}{leftover}").unlink(missing_ok=True)
    part.replace(database)


def _is_in_use(database: Path) -> bool:
    connection = sqlite3.connect(database, timeout=0)
    try:
        connection.execute("PRAGMA journal_mode = DELETE")  # which only the one who has the file alone may do
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode == sqlite3.SQLITE_BUSY
    except sqlite3.DatabaseError:  # a damaged file is what backups are for
        return False
    finally:
        connection.close()
    return False


def _run(words: Sequence[str], url: URL, *, out: IO[bytes] | None = None, given: IO[bytes] | None = None) -> None:
    place = {
        "PGHOST": url.query.get("host") or url.host,
        "PGPORT": url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
    }
    known = {name: str(value) for name, value in place.items() if value is not None}
    command = [f"{word}{url.database}" if word == "--dbname=" else word for word in words]
    if words[0] == "pg_dump":
        command.append(str(url.database))
    try:
        done = subprocess.run(  # noqa: S603  # fixed words, and the name of the database
            command,
            stdin=given,
            stdout=out,
            stderr=subprocess.PIPE,
            env={**os.environ, **known},
            check=False,
        )
    except FileNotFoundError as error:
        raise BackupFailed(f"{words[0]} is not installed here. It comes with PostgreSQL's client.") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise BackupFailed(f"{words[0]} failed: {lines[-1] if lines else done.returncode}.")
