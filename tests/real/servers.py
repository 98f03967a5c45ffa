"""Start a real server for a test, on a free loopback port, in a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

__all__ = ["free_port", "serving"]

_ROOT = Path(__file__).parents[2]
_SECONDS_TO_START = 60


@contextmanager
def serving(application: str, *, env: Mapping[str, str] | None = None, factory: bool = False) -> Iterator[str]:
    """Serve an ASGI application, named as uvicorn does (``package.module:name``), and yield its address.

    ``env`` is added to this process's environment. The server is stopped and waited for at the end; when it does not
    start, what it wrote is raised.
    """
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", application, "--host", "127.0.0.1", "--port", str(port)]
    with TemporaryFile("w+") as written:
        server = subprocess.Popen(
            [*command, "--log-level", "warning", *(["--factory"] if factory else [])],
            cwd=_ROOT,
            env={**os.environ, **(env or {})},
            stdout=written,
            stderr=subprocess.STDOUT,
        )
        try:
            if not _answers(port, server):
                written.seek(0)
                raise RuntimeError(f"The server for {application} did not start:\n{written.read()}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def free_port() -> int:
    """Return a loopback port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int, server: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _SECONDS_TO_START
    while server.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False
