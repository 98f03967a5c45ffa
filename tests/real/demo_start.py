"""Start the demo for a test, as a newcomer would, in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

__all__ = ["MAKE_DEMO", "REGULARS_DEMO", "DemoStart", "demo_start"]

ROOT = Path(__file__).parents[2]
SECONDS_TO_BE_READY = 300
SECONDS_TO_END = 30

REGULARS_DEMO = (sys.executable, "-m", "regulars.cli.main", "demo")
MAKE_DEMO = ("make", "-s", "-f", str(ROOT / "Makefile"), "-o", ".venv/.set-up", "demo")
"""The target on an environment that is set up already: the folder needs a link to `.venv`."""


@dataclass(frozen=True)
class DemoStart:
    """A start of the demo that may still be at it."""

    folder: Path
    address: str
    process: "subprocess.Popen[bytes]"

    @property
    def printed(self) -> str:
        """Return what a newcomer has read so far."""
        return (self.folder / "printed").read_text(encoding="utf-8")

    @property
    def key(self) -> str:
        """Return the key that was printed."""
        return self.printed.split("API key, for an admin: ")[1].split()[0]

    def wait_until_ready(self) -> None:
        """Return once `/ready` answers 200; raise when the start ends or takes too long."""
        deadline = monotonic() + SECONDS_TO_BE_READY
        while monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.address}/ready", timeout=SECONDS_TO_BE_READY) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                sleep(0.1)
        raise RuntimeError(f"The demo was not ready:\n{self.printed}\n{(self.folder / 'told').read_text()}")

    def ask(self, query: str) -> dict[str, Any]:
        """Return the data that answer a query with the key that was printed."""
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.key}"}
        body = json.dumps({"query": query}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.address}/graphql", body, headers)) as answer:
            data: dict[str, Any] = json.load(answer)["data"]
            return data

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def demo_start(
    folder: Path, *, port: int, command: Sequence[str] = REGULARS_DEMO, settings: Mapping[str, str] | None = None
) -> Iterator[DemoStart]:
    """Start the demo in ``folder``, and end it as Ctrl-C does.

    ``settings`` are environment variables besides ``REGULARS_PORT``.
    """
    with (folder / "printed").open("wb") as printed, (folder / "told").open("wb") as told:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "REGULARS_PORT": str(port), **(settings or {})},
            stdout=printed,
            stderr=told,
            start_new_session=True,
        )
        try:
            yield DemoStart(folder, f"http://127.0.0.1:{port}", process)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=SECONDS_TO_END)
