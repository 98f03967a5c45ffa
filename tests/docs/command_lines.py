"""Run the command lines that pages show, all in one process, since each start of the command takes seconds."""

import asyncio
import json
import os
import shlex
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from pathlib import Path
from types import TracebackType

from tests.docs.pages import ROOT

__all__ = ["Shell"]

END = "\x04"


class Shell:
    """A process that knows the command `regulars` and nothing else, and works in a folder."""

    def __init__(self, *, folder: Path, database_url: str) -> None:
        self.folder = folder
        self._environment = {**os.environ, "REGULARS_DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)}
        self._process: Process | None = None

    async def printed_by(self, text: str) -> str:
        """Return what these lines print, errors included; fails where one of them does."""
        process = self._process or await self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{json.dumps(text)}\n".encode())
        told = (await process.stdout.readuntil(f"{END}\n".encode())).decode()
        printed, _, code = told.removesuffix(f"{END}\n").rpartition("\n")
        assert code == "0", printed
        return printed

    async def __aenter__(self) -> "Shell":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            await self._process.wait()

    async def _started(self) -> Process:
        words = (sys.executable, "-m", "tests.docs.command_lines")
        self._process = await asyncio.create_subprocess_exec(
            *words, cwd=self.folder, env=self._environment, stdin=PIPE, stdout=PIPE, stderr=STDOUT, limit=2**20
        )
        return self._process


def _run(text: str) -> int:
    from regulars.cli.main import run

    for line in text.replace("\\\n", " ").splitlines():
        word, *words = shlex.split(line, comments=True) or [""]
        assert word in ("regulars", ""), f"a page runs `regulars …` alone, not {line!r}"
        code = run(words) if word else 0
        if code:
            return code
    return 0


def main() -> None:
    """Run what each line of standard input asks for."""
    for asked in sys.stdin:
        code = _run(json.loads(asked))
        sys.stderr.flush()
        print(f"\n{code}{END}", flush=True)


if __name__ == "__main__":
    main()
