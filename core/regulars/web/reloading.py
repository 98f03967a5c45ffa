"""Serve, and start anew whenever a file of the server or of a plugin changes."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import structlog
from watchfiles import watch

from regulars.settings import Settings
from regulars.web.listening import listen
from regulars.web.logging import set_up_logging

__all__ = ["serve_with_reload"]

END_S = 10

log = structlog.get_logger("regulars.reload")


def serve_with_reload(settings: Settings, *, command: Sequence[str]) -> None:
    """Run ``command`` with ``--listener FD`` in a child process, and again after each change, until told to end.

    The socket stays open from one child to the next, so no request is refused meanwhile. A child that cannot start is
    started again after the next change.
    """
    set_up_logging(settings)
    ended = threading.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda _number, _frame: ended.set())
    with listen(settings.host, settings.port) as listener:
        number = listener.fileno()
        folders = sorted(_watched_folders())
        child = _start(command, listener=number)
        try:
            for changes in watch(*folders, stop_event=ended, raise_interrupt=False):
                log.info("reloading", changed=sorted(Path(path).name for _, path in changes))
                _end(child)
                child = _start(command, listener=number)
        finally:
            _end(child)


def _watched_folders() -> Iterator[Path]:
    packages = {"regulars", *(entry.module.partition(".")[0] for entry in entry_points(group="regulars"))}
    for package in packages:
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            yield Path(spec.origin).parent


def _start(command: Sequence[str], *, listener: int) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "regulars.cli.main", *command, "--listener", str(listener)]
    return subprocess.Popen(words, pass_fds=(listener,))  # noqa: S603, the words are our own


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(END_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
