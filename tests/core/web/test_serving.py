import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson

from regulars.testing.databases import SqliteDatabases

END_S = 10


@contextmanager
def regulars(*words: str, env: Mapping[str, str]) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "regulars.cli.main", *words]
    surroundings = {**os.environ, "REGULARS_PORT": "0", **env}
    with subprocess.Popen(
        command, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def next_line(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    line: dict[str, Any] = orjson.loads(process.stdout.readline())
    return line


def test_the_server_serves_until_sigterm_and_then_ends_well(database_url: str) -> None:
    with regulars("serve", env={"REGULARS_DATABASE_URL": database_url}) as process:
        url = next_line(process)["url"]
        ready = httpx.get(f"{url}/ready", timeout=10)

        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=END_S)

    assert ready.status_code == 200
    assert process.returncode == 0
    assert orjson.loads(output.splitlines()[-1])["event"] == "ending"
    assert errors == ""


def test_a_taken_port_is_told_in_a_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])

        with regulars("serve", "--port", port, env={"REGULARS_DATABASE_URL": f"sqlite:///{tmp_path}/x.db"}) as process:
            _, errors = process.communicate(timeout=END_S)

    assert process.returncode == 1
    assert errors.startswith(f"regulars: Port {port} on 127.0.0.1 is taken by another program.")
    assert errors.count("\n") == 1


def test_a_server_without_tables_says_how_to_make_them(tmp_path: Path) -> None:
    with regulars("serve", env={"REGULARS_DATABASE_URL": f"sqlite:///{tmp_path}/x.db"}) as process:
        _, errors = process.communicate(timeout=END_S)

    assert process.returncode == 1
    assert "Run `regulars db upgrade`." in errors
    assert errors.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_worker_works_until_sigint_and_then_ends_well(sqlite_databases: SqliteDatabases) -> None:
    with sqlite_databases.fresh() as url, regulars("worker", env={"REGULARS_DATABASE_URL": url}) as process:
        started = next_line(process)

        process.send_signal(signal.SIGINT)
        process.communicate(timeout=END_S)

    assert started["event"] == "working"
    assert process.returncode == 0
