import socket
from pathlib import Path

import pytest

from regulars.cli.main import run
from regulars.demo.settings import demo_settings, place_of_data
from regulars.settings import Settings


def test_a_busy_port_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        exit_code = run(["demo", "--port", str(port)])

    assert exit_code == 1
    assert capsys.readouterr().err.startswith(f"regulars: Port {port} on 127.0.0.1 is taken by another program.")
    assert list(tmp_path.iterdir()) == []


def test_the_demo_has_a_database_of_its_own_unless_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REGULARS_DATABASE_URL", raising=False)
    own = demo_settings(Settings())
    monkeypatch.setenv("REGULARS_DATABASE_URL", "postgresql://shop@db.example/demo")
    named = demo_settings(Settings())

    assert (own.database_url, own.mode, own.company_currency) == (
        "sqlite:///demo-data/regulars.db",
        "development",
        "USD",
    )
    assert named.database_url == "postgresql://shop@db.example/demo"
    assert (place_of_data(own), place_of_data(named)) == (
        "demo-data",
        "the database that REGULARS_DATABASE_URL names",
    )
