"""Real processes that a test starts and kills, each forked from one that has loaded everything."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

from regulars.database import Database, open_engine
from regulars.settings import Settings

__all__ = ["Processes", "Role", "fork_on_demand", "forker"]

ROOT = Path(__file__).parents[2]

Role = Callable[[Database, Path], Awaitable[None]]
"""What a process does with a database and a folder; it ends with the role, or when it is killed."""


class Processes:
    """The processes of one test."""

    def __init__(self, forker: "Popen[str]") -> None:
        self._forker = forker
        self.pids: list[int] = []

    def start(self, role: str, url: str, folder: Path) -> int:
        assert self._forker.stdin is not None
        assert self._forker.stdout is not None
        self._forker.stdin.write(f"{json.dumps([role, url, str(folder)])}\n")
        self._forker.stdin.flush()
        self.pids.append(int(self._forker.stdout.readline()))
        return self.pids[-1]

    def is_alive(self, pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self, pid: int) -> None:
        self.pids.remove(pid)
        if self.is_alive(pid):
            os.kill(pid, signal.SIGKILL)

    @contextmanager
    def paused(self, pid: int) -> Iterator[None]:
        """Let a process stand still, in the middle of whatever it does."""
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def kill_all(self) -> None:
        for pid in tuple(self.pids):
            self.kill(pid)


@contextmanager
def forker(module: str) -> Iterator["Popen[str]"]:
    """Give a process that runs ``module``, which calls ``fork_on_demand``."""
    with Popen([sys.executable, "-m", module], cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True) as process:
        yield process


def fork_on_demand(roles: Mapping[str, Role]) -> None:
    """Fork a process for each line on the standard input (role, address and folder as JSON), and answer with its pid.

    At the end of the input it kills them all and itself, so nothing outlives the tests.
    """
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in iter(sys.stdin.readline, ""):
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.dup2(os.open(os.devnull, os.O_RDWR), 1)
            role, url, folder = json.loads(line)
            asyncio.run(_live(roles[role], url, Path(folder)))
            os._exit(0)
        print(pid, flush=True)
    os.killpg(0, signal.SIGKILL)


async def _live(role: Role, url: str, folder: Path) -> None:
    database = Database(open_engine(Settings(database_url=url)))
    await role(database, folder)
    await database.close()
