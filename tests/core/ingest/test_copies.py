import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from tests.core.forking import Processes
from tests.core.ingest.copies import (
    add_rows,
    copy_files,
    dump,
    fault_of_content,
    fault_of_sqlite_copy,
    file_of,
    held,
    restore,
    vacuum_into,
)
from tests.core.ingest.importing import write_orders
from tests.plan import Figures

from regulars.testing.databases import PostgresDatabases, SqliteDatabases

Copy = Callable[[Path, Path], None]


def held_copy(file: Path, copy: Path) -> None:
    with held(file):
        copy_files(file, copy)


def wait_for_rows(url: str) -> None:
    while fault_of_content(url) is not None:
        time.sleep(0.1)


def faults_of_copies(
    importers: Processes,
    databases: SqliteDatabases,
    folder: Path,
    how: Copy,
    *,
    copies: int,
    seed: int,
    others: int = 0,
) -> list[str | None]:
    """Copy a SQLite database ``copies`` times while an import writes to it, and return what is wrong with each copy.

    The import stands still while a copy is looked at, or else what is copied would grow with the time that this takes.
    ``others`` are rows of a kilobyte in a table of their own: a copy takes the longer, and more happens meanwhile.
    """
    random = Random(seed)
    write_orders(folder, rows=copies * 4_000)
    faults: list[str | None] = []
    with databases.fresh() as url:
        add_rows(file_of(url), others)
        writer = importers.start("unhurried importer", url, folder)
        wait_for_rows(url)
        for number in range(copies):
            time.sleep(random.uniform(0, 0.05))
            copy = folder / f"copy{number}.db"
            how(file_of(url), copy)
            with importers.paused(writer):
                faults.append(fault_of_sqlite_copy(copy))
            copy.unlink()
        assert importers.is_alive(writer), "the import ended before the last copy"
        importers.kill_all()
    return faults


def faults_of_dumps(
    importers: Processes, databases: PostgresDatabases, folder: Path, *, copies: int, seed: int
) -> list[str | None]:
    """Dump a PostgreSQL database while an import writes to it, restore it, and return what is wrong with each copy.

    The import stands still while a copy is restored and looked at, as in ``faults_of_copies``.
    """
    random = Random(seed)
    write_orders(folder, rows=copies * 10_000)
    faults: list[str | None] = []
    with databases.fresh() as url:
        writer = importers.start("unhurried importer", url, folder)
        wait_for_rows(url)
        for number in range(copies):
            time.sleep(random.uniform(0, 0.05))
            dumped = folder / f"copy{number}.dump"
            dump(url, dumped)
            with importers.paused(writer), databases.bare() as copy_url:
                restore(dumped, copy_url)
                faults.append(fault_of_content(copy_url))
        assert importers.is_alive(writer), "the import ended before the last copy"
        importers.kill_all()
    return faults


@pytest.mark.row(4)
@pytest.mark.parametrize("how", [vacuum_into, held_copy])
def test_ten_copies_of_a_sqlite_file_that_is_written_to_are_whole(
    importers: Processes, sqlite_databases: SqliteDatabases, tmp_path: Path, how: Copy, seed: int, figures: Figures
) -> None:
    faults = faults_of_copies(importers, sqlite_databases, tmp_path, how, copies=10, seed=seed)

    figures(copies=len(faults), how=how.__name__)
    assert faults == [None] * 10


@pytest.mark.full
@pytest.mark.row(4)
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("how", [vacuum_into, held_copy])
def test_a_hundred_copies_of_a_sqlite_file_that_is_written_to_are_whole(
    importers: Processes, sqlite_databases: SqliteDatabases, tmp_path: Path, how: Copy, seed: int, figures: Figures
) -> None:
    faults = faults_of_copies(importers, sqlite_databases, tmp_path, how, copies=100, seed=seed)

    figures(copies=len(faults), how=how.__name__)
    assert faults == [None] * 100


@pytest.mark.full
@pytest.mark.row(4)
@pytest.mark.timeout(1_200)
def test_copies_made_against_advice_are_counted(
    importers: Processes, sqlite_databases: SqliteDatabases, tmp_path: Path, seed: int, figures: Figures
) -> None:
    faults = faults_of_copies(importers, sqlite_databases, tmp_path, copy_files, copies=100, seed=seed, others=100_000)

    figures(copies=len(faults), how="plain", torn=len(faults) - faults.count(None))
    assert len(faults) == 100


@pytest.mark.row(4)
def test_four_dumps_of_a_postgresql_database_that_is_written_to_are_whole(
    importers: Processes, postgres_databases: PostgresDatabases, tmp_path: Path, seed: int, figures: Figures
) -> None:
    faults = faults_of_dumps(importers, postgres_databases, tmp_path, copies=4, seed=seed)

    figures(copies=len(faults), how="pg_dump")
    assert faults == [None] * 4


@pytest.mark.full
@pytest.mark.row(4)
@pytest.mark.timeout(1_200)
def test_a_hundred_dumps_of_a_postgresql_database_that_is_written_to_are_whole(
    importers: Processes, postgres_databases: PostgresDatabases, tmp_path: Path, seed: int, figures: Figures
) -> None:
    faults = faults_of_dumps(importers, postgres_databases, tmp_path, copies=100, seed=seed)

    figures(copies=len(faults), how="pg_dump")
    assert faults == [None] * 100
