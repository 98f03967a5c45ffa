import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import orjson

from regulars.testing.databases import SqliteDatabases

PATIENCE_S = 60


@contextmanager
def regulars(*words: str, env: Mapping[str, str]) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "regulars.cli.main", *words]
    surroundings = {**os.environ, "REGULARS_PORT": "0", "REGULARS_SAFE_MODE": "1", **env}
    with subprocess.Popen(
        command, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def next_event(process: "subprocess.Popen[str]", event: str) -> dict[str, Any]:
    assert process.stdout is not None
    assert process.stderr is not None
    lines: Iterator[dict[str, Any]] = (orjson.loads(line) for line in process.stdout)
    found = next((line for line in lines if line["event"] == event), None)
    assert found is not None, process.stderr.read()
    return found


def test_the_server_serves_until_sigterm_and_then_ends_well(database_url: str) -> None:
    with regulars("serve", env={"REGULARS_DATABASE_URL": database_url}) as process:
        url = next_event(process, "serving")["url"]
        ready = httpx.get(f"{url}/ready", timeout=PATIENCE_S)

        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=PATIENCE_S)

    assert ready.status_code == 200
    assert process.returncode == 0
    assert orjson.loads(output.splitlines()[-1])["event"] == "ending"
    assert errors == ""


def test_a_worker_works_until_sigint_and_then_ends_well(sqlite_databases: SqliteDatabases) -> None:
    with sqlite_databases.fresh() as url, regulars("worker", env={"REGULARS_DATABASE_URL": url}) as process:
        next_event(process, "working")

        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 0
