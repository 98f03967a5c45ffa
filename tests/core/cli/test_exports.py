"""The command that writes customers and touchpoints to files."""

import asyncio
from pathlib import Path

import pytest

from regulars.cli.main import run
from regulars.clock import SystemClock
from regulars.database import Database, open_engine
from regulars.settings import Settings
from regulars.testing.shop import add_customer

pytestmark = pytest.mark.usefixtures("logging_restored")


@pytest.fixture
def shop(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_DATABASE_URL", database_url)

    async def fill() -> None:
        now = SystemClock().now()
        database = Database(open_engine(Settings(database_url=database_url)))
        async with database.writing() as session:
            await add_customer(session, name="Ada", email="ada@example.org", external_id=None, now=now)
            await add_customer(session, name="Bob", email=None, external_id=None, now=now)
        await database.close()

    asyncio.run(fill())


@pytest.mark.usefixtures("shop")
def test_customers_are_written_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "customers.csv"

    words = ["--where", '{"displayName": {"eq": "Ada"}}', "--column", "displayName", "--column", "identities.value"]
    code = run(["export", "customers", str(file), *words])

    assert (code, capsys.readouterr().out) == (0, f"1 customers are in {file}.\n")
    assert file.read_bytes() == b"displayName,identities.value\r\nAda,ada@example.org\r\n"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.usefixtures("shop")
def test_a_column_that_there_is_not_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["export", "customers", str(tmp_path / "customers.csv"), "--column", "shoes"])

    assert code == 2
    assert "There is no column 'shoes'" in capsys.readouterr().err
