import asyncio
import json
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from regulars.cli.main import run
from regulars.customers.models import Customer
from regulars.database import Database, open_engine
from regulars.settings import Settings
from regulars.testing.databases import SqliteDatabases
from regulars.trusted_documents.hashes import document_hash

pytestmark = pytest.mark.usefixtures("logging_restored")


@pytest.fixture
def query(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let the command find a database, and give a file for a query."""
    monkeypatch.setenv("REGULARS_DATABASE_URL", database_url)
    return tmp_path / "query.graphql"


def test_explaining_a_query_shows_its_fields_and_its_sql(query: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query.write_text("query ($first: Int) { customers(first: $first) { nodes { id traits { key } } } }")
    variables = query.with_suffix(".json")
    variables.write_text('{"first": 3}')

    code = run(["graphql", "explain", str(query), "--variables", str(variables), "--analyze"])

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert code == 0
    assert ["customers.nodes.traits", "Customer.traits", "core", "batch"] in lines
    assert any(line[:1] == ["SELECT"] for line in lines)


def test_sqlite_reads_the_newest_customers_in_order_and_no_others(
    sqlite_databases: SqliteDatabases,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    query = tmp_path / "query.graphql"
    query.write_text("{ customers(first: 50) { nodes { displayName } } }")

    with sqlite_databases.fresh() as url:
        monkeypatch.setenv("REGULARS_DATABASE_URL", url)
        run(["graphql", "explain", str(query)])

    explained = capsys.readouterr().out
    assert "USING INDEX ix_core_customer_newest" in explained
    assert "TEMP B-TREE" not in explained


def test_sqlite_looks_up_one_customer_in_each_audience_and_reads_no_audience_whole(
    sqlite_databases: SqliteDatabases,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    query = tmp_path / "query.graphql"
    query.write_text(f'{{ contactVerdicts(where: {{customerId: {{eq: "{uuid4()}"}}}}) {{ nodes {{ outcome }} }} }}')

    with sqlite_databases.fresh() as url:
        monkeypatch.setenv("REGULARS_DATABASE_URL", url)
        run(["graphql", "explain", str(query)])

    explained = capsys.readouterr().out
    assert "USING PRIMARY KEY (audience_id=? AND customer_id=?)" in explained


def test_explaining_a_query_tells_what_stands_in_the_way(query: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query.write_text("{ viewer { kind } }")

    code = run(["graphql", "explain", str(query), "--as", "frontline"])

    assert code == 0
    assert "because Query.viewer is answered by a resolver." in capsys.readouterr().out


def test_explaining_with_variables_that_do_not_fit_names_them(query: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query.write_text("query ($first: Int!) { customers(first: $first) { totalCount } }")

    code = run(["graphql", "explain", str(query)])

    assert code == 1
    assert "Variable '$first' has invalid value" in capsys.readouterr().err


def test_explaining_a_file_that_is_no_text_says_so(query: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query.write_bytes(b"\xff\xfe")

    code = run(["graphql", "explain", str(query)])

    assert code == 2
    assert "is no text in UTF-8" in capsys.readouterr().err


async def customers_in(database_url: str) -> int:
    database = Database(open_engine(Settings(database_url=database_url)))
    try:
        async with database.reading() as session:
            return await session.scalar(select(func.count()).select_from(Customer)) or 0
    finally:
        await database.close()


def test_explaining_a_mutation_shows_how_its_rows_are_read_and_does_not_run_it(
    query: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    query.write_text(
        """mutation ($name: String!) {
             made: customerCreate(input: {displayName: $name}) {
               customer { displayName touchpoints { totalCount } }
               errors { code }
             }
           }"""
    )
    variables = query.with_suffix(".json")
    variables.write_text('{"name": "Anna"}')

    code = run(["graphql", "explain", str(query), "--variables", str(variables), "--analyze"])

    explained = capsys.readouterr().out
    lines = [line.split() for line in explained.splitlines()]
    assert code == 0
    assert explained.startswith("Price: ")
    assert "made: Mutation.customerCreate of core, for the permission customers:write." in explained
    assert "is not shown: it was not run." in explained
    assert ["made.errors.code", "UserError.code", "core", "value"] in lines
    assert "made.customer, as it is read once the function has returned it:\nOne statement." in explained
    assert ["touchpoints", "Customer.touchpoints", "core", "connection"] in lines
    assert any(line[:1] == ["SELECT"] for line in lines)
    assert asyncio.run(customers_in(database_url)) == 0


@pytest.mark.parametrize(
    ("more", "unless"), [("", ", unless it was just inserted and so carries all of this"), (" customer { id }", "")]
)
def test_explaining_a_mutation_tells_when_its_row_need_not_be_read(
    query: Path, capsys: pytest.CaptureFixture[str], more: str, unless: str
) -> None:
    given = 'customerId: "1", type: "visit", occurredAt: "2026-01-01T10:00:00Z"'
    query.write_text(
        f"mutation {{ touchpointRecord(input: {{{given}}}) {{ touchpoint {{ id amount {{ currency }}{more} }} }} }}"
    )

    code = run(["graphql", "explain", str(query)])

    assert code == 0
    read = f"touchpointRecord.touchpoint, as it is read once the function has returned it{unless}:"
    assert read in capsys.readouterr().out.splitlines()


def test_explaining_a_mutation_tells_how_the_rows_in_its_lists_are_read(
    query: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query.write_text(
        "mutation { touchpointBulkRecord(input: {rows: []}) { results { touchpoint { id } } errors { code } } }"
    )

    code = run(["graphql", "explain", str(query)])

    explained = capsys.readouterr().out
    assert code == 0
    _, _, read = explained.partition("touchpointBulkRecord.results.touchpoint, as it is read")
    assert "One statement." in read


def test_explaining_a_mutation_tells_who_may_not_send_it(query: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query.write_text('mutation { jobCancel(input: {id: "1"}) { job { id } } }')

    code = run(["graphql", "explain", str(query), "--as", "analyst"])

    explained = capsys.readouterr().out
    assert code == 0
    assert "for the permission jobs:manage.\nanalyst does not have it, so it is refused." in explained
    assert "SELECT" not in explained


def test_a_subscription_has_no_plan(query: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query.write_text("subscription { events { id } }")

    code = run(["graphql", "explain", str(query)])

    assert code == 2
    assert "A subscription has no plan." in capsys.readouterr().err


def test_documents_are_registered_from_files(query: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query.write_text("query Who { viewer { kind } }")
    by_hash = query.with_suffix(".json")
    text = "query Names { customers { nodes { displayName } } }"
    by_hash.write_text(json.dumps({f"sha256:{document_hash(text)}": text}))

    code = run(["graphql", "documents", "register", str(query), str(by_hash)])

    assert code == 0
    capsys.readouterr()
    assert run(["graphql", "documents", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["documentId"]) for one in listed] == [
        ("Names", f"sha256:{document_hash(text)}"),
        ("Who", f"sha256:{document_hash(query.read_text())}"),
    ]


def test_a_document_under_a_hash_that_is_not_its_own_is_refused(
    query: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by_hash = query.with_suffix(".json")
    by_hash.write_text(json.dumps({"abc": "{ viewer { kind } }"}))

    code = run(["graphql", "documents", "register", str(by_hash)])

    assert code == 2
    assert "Let the code generator hash by sha256." in capsys.readouterr().err


def test_a_document_is_removed(query: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query.write_text("query Who { viewer { kind } }")
    run(["graphql", "documents", "register", str(query)])

    code = run(["graphql", "documents", "remove", f"sha256:{document_hash(query.read_text())}"])

    assert code == 0
    capsys.readouterr()
    run(["graphql", "documents", "list", "--json"])
    assert json.loads(capsys.readouterr().out) == []
