import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, func, select
from sqlmodel import col
from typer.testing import CliRunner

from regulars.cli.imports import app
from regulars.customers.models import Customer, CustomerIdentity
from regulars.database import Database, open_engine
from regulars.events.models import Event
from regulars.ingest.models import Import
from regulars.settings import Settings
from regulars.touchpoints.models import Touchpoint

pytestmark = pytest.mark.usefixtures("logging_restored")

KNOWN = """external_id,email
C1,zoe@example.com
C2,ada@example.com
"""
REPEATED = """email,type,occurred_at,external_id
{first},visit,2026-01-05T10:00:00Z,v1
{second},visit,2026-01-06T10:00:00Z,v1
"""
ODD = r"""email,type,occurred_at,external_id,payload
zoe@example.com,visit,2026-01-05T10:00:00Z,\N,
zoe@example.com,visit,2026-01-05T10:00:01Z,\.,"{""venue"": ""\\N\ttab\nbreak \\\\ ü""}"
zoe@example.com,visit,2026-01-05T10:00:02Z,"a	b
c\",
zoe@example.com,visit,2026-01-06T10:00:00+01:00:30.5,d,
"""
CUSTOMERS = """external_id,email,display_name,language
C1,ada@example.com,Ada,en
C2,bob@example.com,Bob,not a language
C3,null,Cleo,de
"""
TOUCHPOINTS = """email,type,occurred_at,amount,currency,external_id
ada@example.com,order,2026-01-05T10:00:00Z,12.50,EUR,o1
ada@example.com,order,2026-01-05T10:00:00Z,12.50,EUR,o1
nobody@example.com,order,2026-01-05T10:00:00Z,12.50,EUR,o2
ada@example.com,refund,2026-01-06T10:00:00Z,-2.50,EUR,o3
ada@example.com,order,2131-01-06T10:00:00Z,2.50,EUR,o4
ada@example.com,order,2026-01-06T10:00:00Z,2.50,XXQ,o5
"""


class Shop:
    """A database, its command line and what stands in it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder

    def file(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def run(self, *words: str) -> tuple[int, dict[str, object]]:
        outcome = CliRunner().invoke(app, [*words, "--json"])
        if outcome.exception is not None and not isinstance(outcome.exception, SystemExit):
            raise outcome.exception
        return outcome.exit_code, json.loads(outcome.stdout)

    def count(self, *tables: type[object]) -> list[int]:
        return [self.read(select(func.count()).select_from(table))[0][0] for table in tables]

    def read(self, query: Select[*tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        async def read() -> list[tuple[Any, ...]]:
            database = Database(open_engine(Settings(database_url=self.url)))
            async with database.reading() as session:
                rows = [tuple(row) for row in await session.execute(query)]
            await database.close()
            return rows

        return asyncio.run(read())


@pytest.fixture
def shop(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("REGULARS_DATABASE_URL", database_url)
    return Shop(database_url, tmp_path)


def codes(report: dict[str, object]) -> Sequence[tuple[int, str]]:
    problems = report["problems"]
    assert isinstance(problems, list)
    return [(one["line"], one["code"]) for one in problems]


def test_sound_rows_are_written_and_the_others_kept_with_their_reasons(shop: Shop) -> None:
    file = shop.file("customers.csv", CUSTOMERS)

    code, report = shop.run("customers", file, "--source", "crm")

    assert (code, report["created"], report["rejected"]) == (1, 1, 2)
    assert codes(report) == [(3, "INVALID"), (4, "PLACEHOLDER")]
    assert shop.count(Customer, CustomerIdentity) == [1, 2]
    assert "bob@example.com" in Path(f"{file}.rejected.csv").read_text()


def test_touchpoints_find_their_customers_and_stand_once(shop: Shop) -> None:
    shop.run("customers", shop.file("customers.csv", CUSTOMERS), "--source", "crm")
    events = shop.count(Event)[0]

    _, report = shop.run("touchpoints", shop.file("touchpoints.csv", TOUCHPOINTS), "--source", "shop")

    assert (report["created"], report["unchanged"], report["rejected"]) == (2, 1, 3)
    assert [line for line, _ in codes(report)] == [4, 6, 7]
    assert shop.count(Touchpoint) == [2]
    assert shop.count(Event)[0] - events == 2


@pytest.mark.parametrize(
    ("first", "second"), [("ada@example.com", "zoe@example.com"), ("zoe@example.com", "ada@example.com")]
)
def test_of_rows_with_one_key_the_first_of_the_file_counts(shop: Shop, first: str, second: str) -> None:
    shop.run("customers", shop.file("customers.csv", KNOWN), "--source", "crm")
    file = shop.file("touchpoints.csv", REPEATED.format(first=first, second=second))

    _, report = shop.run("touchpoints", file, "--source", "shop")

    assert (report["created"], report["rejected"]) == (1, 1)
    assert codes(report) == [(3, "CONFLICT")]


def test_signs_that_a_database_reads_in_its_own_way_stay_as_they_are(shop: Shop) -> None:
    shop.run("customers", shop.file("known.csv", KNOWN), "--source", "shop")

    code, report = shop.run("touchpoints", shop.file("odd.csv", ODD), "--source", "shop")

    assert (code, report["created"], codes(report)) == (0, 4, [])
    told = select(col(Touchpoint.external_id), col(Touchpoint.payload)).order_by(col(Touchpoint.occurred_at))
    assert shop.read(told) == [
        ("\\N", None),
        ("\\.", {"venue": "\\N\ttab\nbreak \\\\ ü"}),
        ("a\tb\nc\\", None),
        ("d", None),
    ]
    odd_zone = timezone(timedelta(hours=1, seconds=30, microseconds=500_000))
    assert shop.read(select(func.max(col(Touchpoint.occurred_at)))) == [(datetime(2026, 1, 6, 10, tzinfo=odd_zone),)]


def test_a_dry_run_says_the_same_and_writes_nothing(shop: Shop) -> None:
    file = shop.file("customers.csv", CUSTOMERS)

    _, report = shop.run("customers", file, "--source", "crm", "--dry-run")

    assert (report["created"], report["rejected"]) == (1, 2)
    assert shop.count(Customer, Event, Import) == [0, 0, 0]


def test_a_file_that_is_imported_is_left_alone(shop: Shop) -> None:
    file = shop.file("customers.csv", CUSTOMERS)
    shop.run("customers", file, "--source", "crm")

    _, report = shop.run("customers", file, "--source", "crm")

    assert report["wasFinished"] is True
    assert shop.count(Customer) == [1]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bom.csv", b"\xef\xbb\xbfexternal_id,display_name\r\nC1,Zo\xc3\xab\r\n"),
        ("lines.jsonl", b'{"external_id": "C1", "display_name": "Zo\xc3\xab"}\n'),
        ("semicolons.csv", b"external_id;display_name\nC1;Zo\xc3\xab\n"),
    ],
)
def test_files_are_read_however_they_are_written(shop: Shop, name: str, content: bytes) -> None:
    code, report = shop.run("customers", shop.file(name, content), "--source", "crm")

    assert (code, report["created"]) == (0, 1)


def test_columns_of_other_names_are_mapped(shop: Shop) -> None:
    file = shop.file("kunden.csv", "Nummer,Name\nC1,Ada\n")

    code, report = shop.run(
        "customers", file, "--source", "crm", "--mapping", "Nummer=external_id", "--mapping", "Name=display_name"
    )

    assert (code, report["created"]) == (0, 1)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("latin.csv", "external_id,display_name\nC1,Zoë\n".encode("latin-1"), "UTF-8"),
        ("other.csv", b"external_id,shoe_size\nC1,42\n", "shoe_size"),
        ("empty.csv", b"", "empty"),
        ("table.xlsx", b"PK", "xlsx"),
    ],
)
def test_an_unusable_file_is_refused_before_anything_is_written(
    shop: Shop, name: str, content: bytes, told: str
) -> None:
    file = shop.file(name, content)

    with pytest.raises(Exception, match=told):
        shop.run("customers", file, "--source", "crm")

    assert shop.count(Customer, Import) == [0, 0]
