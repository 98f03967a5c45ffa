import re
import socket
from pathlib import Path

import orjson
import pytest

from regulars.access.keys import is_well_formed
from regulars.cli.main import run
from regulars.testing.databases import SqliteDatabases

pytestmark = pytest.mark.usefixtures("logging_restored")


@pytest.fixture
def tables(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the commands find a database with the newest tables."""
    monkeypatch.setenv("REGULARS_DATABASE_URL", database_url)
    return database_url


@pytest.fixture
def no_tables(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the commands find an empty database."""
    monkeypatch.setenv("REGULARS_DATABASE_URL", empty_database_url)
    return empty_database_url


@pytest.mark.usefixtures("no_tables")
def test_upgrading_makes_the_tables_once(capsys: pytest.CaptureFixture[str]) -> None:
    first = run(["db", "upgrade", "core"])
    made = capsys.readouterr().out
    second = run(["db", "upgrade", "core"])

    assert (first, second) == (0, 0)
    assert made.startswith("core: no tables -> ")
    assert capsys.readouterr().out.endswith("(nothing to do)\n")


@pytest.mark.usefixtures("no_tables")
def test_tables_that_are_behind_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = run(["db", "current"])

    assert exit_code == 1
    assert re.search(r"core: no tables \(newest is \w+: run `regulars db upgrade`\)", capsys.readouterr().out)


@pytest.mark.usefixtures("tables")
def test_the_newest_tables_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = run(["db", "current"])

    assert exit_code == 0
    assert re.match(r"core: \w+ \(newest\)", capsys.readouterr().out)


@pytest.mark.usefixtures("tables")
def test_tables_go_down_when_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = run(["db", "downgrade", "core", "base", "--yes"])

    assert exit_code == 0
    assert capsys.readouterr().out == "core: no tables\n"


@pytest.mark.usefixtures("tables")
def test_an_unknown_owner_of_tables_is_a_wrong_command(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = run(["db", "upgrade", "kore"])

    assert exit_code == 2
    assert capsys.readouterr().err == "regulars: 'kore' is no known owner of tables. Did you mean 'core'?\n"


@pytest.mark.usefixtures("tables")
def test_a_key_is_printed_alone_so_that_scripts_can_take_it(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = run(["key", "create", "shop", "--role", "admin", "--scope", "customers:read"])

    printed = capsys.readouterr()
    assert exit_code == 0
    assert is_well_formed(printed.out.strip())
    assert "shown this once" in printed.err


@pytest.mark.usefixtures("tables")
def test_a_staff_member_gets_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    run(["staff", "add", "Ada", "--role", "analyst"])
    staff_id = capsys.readouterr().out.strip()

    exit_code = run(["key", "create", "laptop", "--staff", staff_id])

    assert exit_code == 0
    run(["key", "list"])
    assert "Ada (analyst)" in capsys.readouterr().out


@pytest.mark.usefixtures("tables")
def test_the_list_never_shows_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    run(["key", "create", "shop", "--role", "admin"])
    key = capsys.readouterr().out.strip()

    run(["key", "list", "--json"])

    listed = orjson.loads(capsys.readouterr().out)
    assert [(entry["name"], entry["state"], entry["hint"]) for entry in listed] == [("shop", "live", f"{key[:8]}…")]
    assert key not in str(listed)


@pytest.mark.usefixtures("tables")
def test_a_key_is_rotated_and_the_old_one_revoked(capsys: pytest.CaptureFixture[str]) -> None:
    run(["key", "create", "shop", "--role", "admin"])
    run(["key", "list", "--json"])
    (old,) = orjson.loads(capsys.readouterr().out.partition("\n")[2])

    rotated, revoked = run(["key", "rotate", old["id"]]), run(["key", "revoke", old["id"]])

    capsys.readouterr()
    run(["key", "list", "--json"])
    states = [entry["state"] for entry in orjson.loads(capsys.readouterr().out)]
    assert (rotated, revoked) == (0, 0)
    assert states == ["live", "revoked"]


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--days", "366"], "at most 365 days"),
        (["--scope", "customer:read"], "Did you mean 'customers:read'"),
    ],
)
def test_a_wrong_option_of_a_key_is_a_wrong_command(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code = run(["key", "create", "shop", "--role", "admin", *words])

    printed = capsys.readouterr()
    assert exit_code == 2
    assert complaint in printed.err
    assert printed.out == ""


@pytest.mark.usefixtures("tables")
def test_a_key_without_an_owner_is_a_wrong_command(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = run(["key", "create", "shop"])

    assert exit_code == 2
    assert "one of --role, --staff, --customer or --source" in capsys.readouterr().err


@pytest.mark.usefixtures("tables")
def test_an_unknown_key_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = run(["key", "revoke", "01980000-0000-7000-8000-000000000000"])

    assert exit_code == 1
    assert capsys.readouterr().err.startswith("regulars: There is no key 01980000")


@pytest.mark.usefixtures("no_tables")
def test_a_command_without_tables_says_how_to_make_them(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = run(["key", "list"])

    assert exit_code == 1
    assert "Run `regulars db upgrade`." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("DATABASE_URL", "mysql://localhost/x", "does not know the database 'mysql'"),
        ("DATABASE_URL", "nonsense", "The database address cannot be read"),
        ("DATABASE_URL", "sqlite:////nowhere/at-all/x.db", "The SQLite file /nowhere/at-all/x.db cannot be used"),
        ("DATABASE_URL", "postgresql://ada:s3cret@127.0.0.1:1/x", "PostgreSQL at 127.0.0.1:1/x cannot be used"),
        ("PORT", "eighty", "REGULARS_PORT: Input should be a valid integer"),
        ("PUBLIC_URL", "shop", "'shop' is no address. Write it whole, such as https://regulars.example.com."),
        ("COMPANY_TIME_ZONE", "Europe/Atlantis", "'Europe/Atlantis' is no IANA time zone"),
    ],
)
def test_a_wrong_setting_is_told_in_a_line(
    variable: str,
    value: str,
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"REGULARS_{variable}", value)

    exit_code = run(["key", "list"])

    printed = capsys.readouterr().err
    assert exit_code == 1
    assert complaint in printed
    assert printed.count("\n") == 1
    assert "s3cret" not in printed


def test_a_folder_that_is_not_there_is_told_in_a_line(
    sqlite_databases: SqliteDatabases,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    with sqlite_databases.fresh() as url:
        monkeypatch.setenv("REGULARS_DATABASE_URL", url)
        exit_code = run(["backup", str(tmp_path / "nowhere" / "shop")])

    assert exit_code == 1
    assert capsys.readouterr().err == (
        f"regulars: {tmp_path}/nowhere/shop.part cannot be used: No such file or directory."
        " Check the path, and who may read and write there.\n"
    )


def test_a_file_that_is_no_database_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "shop.db"
    path.write_text("these are notes, and no database at all\n" * 100)
    monkeypatch.setenv("REGULARS_DATABASE_URL", f"sqlite:///{path}")

    exit_code = run(["key", "list"])

    assert exit_code == 1
    assert f"The SQLite file {path} cannot be used: file is not a database" in capsys.readouterr().err


def test_a_taken_port_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("REGULARS_PORT", str(port))

        exit_code = run(["serve"])

    printed = capsys.readouterr().err
    assert exit_code == 1
    assert printed.startswith(f"regulars: Port {port} on 127.0.0.1 is taken by another program.")
    assert printed.count("\n") == 1


@pytest.mark.usefixtures("no_tables")
def test_a_server_without_tables_says_how_to_make_them(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = run(["serve", "--port", "0"])

    printed = capsys.readouterr().err
    assert exit_code == 1
    assert printed.endswith("Run `regulars db upgrade`.\n")
    assert printed.count("\n") == 1


def test_a_missing_database_file_is_not_made_by_serving(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    exit_code = run(["serve", "--port", "0"])

    assert exit_code == 1
    assert capsys.readouterr().err.endswith("Run `regulars db upgrade`.\n")
    assert list(tmp_path.iterdir()) == []
