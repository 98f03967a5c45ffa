import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import orjson

from regulars.testing.databases import SqliteDatabases

PATIENCE_S = 60


def next_event(process: "subprocess.Popen[str]", event: str) -> dict[str, Any]:
    assert process.stdout is not None
    lines = (orjson.loads(line) for line in process.stdout)
    return next(line for line in lines if line["event"] == event)


def test_a_changed_file_of_a_plugin_starts_the_server_anew(tmp_path: Path, sqlite_databases: SqliteDatabases) -> None:
    package = tmp_path / "regulars_loyalty"
    package.mkdir()
    (package / "__init__.py").write_text("")
    facts = tmp_path / "regulars_loyalty-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: regulars-loyalty\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[regulars]\nloyalty = regulars_loyalty.manifest:manifest\n")

    with sqlite_databases.fresh() as url:
        env = {**os.environ, "PYTHONPATH": str(tmp_path), "REGULARS_PORT": "0", "REGULARS_DATABASE_URL": url}
        command = [sys.executable, "-m", "regulars.cli.main", "serve", "--reload", "--safe-mode"]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
            try:
                first = next_event(process, "serving")
                (package / "plugin.py").write_text("x = 1")
                change = next_event(process, "reloading")
                second = next_event(process, "serving")
                ready = httpx.get(f"{second['url']}/ready", timeout=PATIENCE_S)
                process.send_signal(signal.SIGTERM)
                process.wait(PATIENCE_S)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    assert change["changed"] == ["plugin.py"]
    assert first["url"] == second["url"]
    assert ready.status_code == 200
    assert process.returncode == 0
