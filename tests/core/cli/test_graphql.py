import json
from pathlib import Path

import pytest

from regulars.cli.main import run
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


def test_explaining_a_query_tells_what_stands_in_the_way(query: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query.write_text("{ viewer { kind } }")

    code = run(["graphql", "explain", str(query), "--as", "frontline"])

    assert code == 0
    assert "because Query.viewer is answered by a resolver." in capsys.readouterr().out


def test_a_mutation_has_no_plan(query: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query.write_text('mutation { jobCancel(input: {id: "1"}) { job { id } } }')

    code = run(["graphql", "explain", str(query)])

    assert code == 2
    assert "Only a query is answered by a plan." in capsys.readouterr().err


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
