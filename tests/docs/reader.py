"""Do what a page tells its reader to do, from top to bottom, on a real server, with an API key.

A `graphql` block is one operation; the word after `graphql` is the role of the key, admin unless given. The blocks
after it belong to it:

- `json variables`: what is sent along
- `json answer`: what must come back
- `json eventually`: what must come back at last, asked again and again
- `json event`: what a subscription further up must bring next

A `sh` block holds commands to run, and a `text` block after it what they must print.
"""

import asyncio
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy.engine import URL
from tests.docs.answers import Answers
from tests.docs.following import Following
from tests.docs.pages import ROOT, Block, blocks_of

from regulars.testing.app import App

PATIENCE_S = 60
AGAIN_S = 0.2
SENT, ANSWER, EVENTUALLY, EVENT = "variables", "answer", "eventually", "event"


class Reader:
    """Somebody who follows one page; ``done`` counts what was done."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._answers = Answers()
        self._keys: dict[str, dict[str, str]] = {}
        self._following: list[Following] = []
        self._printed = ""
        self.done = 0

    async def follow(self, page: Path) -> None:
        """Do all that the page says; fails at the first thing that turns out otherwise."""
        try:
            blocks = blocks_of(page)
            for place, block in enumerate(blocks):
                await self._do(block, _belonging(blocks[place + 1 :]))
        finally:
            for following in self._following:
                await following.stop()

    async def _do(self, block: Block, belonging: Sequence[Block]) -> None:
        if block.language == "graphql":
            await self._ask(block, belonging)
        elif block.language == "sh":
            await self._run(block)
        elif block.language == "text" and self._printed:
            self._compare(block, block.text.strip(), self._printed.strip())
            self._printed = ""
        elif (block.language, block.role) == ("json", EVENT):
            self._compare(block, orjson.loads(block.text), await self._following[-1].next_answer())

    async def _ask(self, block: Block, belonging: Sequence[Block]) -> None:
        self.done += 1
        variables: dict[str, Any] = next((orjson.loads(each.text) for each in belonging if each.role == SENT), {})
        query, sent = self._answers.filled_in(block.text), self._answers.filled_in(variables)
        if block.text.lstrip().startswith("subscription"):
            following = await Following.start(self._app.server, await self._key(block.role), query, sent)
            self._following.append(following)
            return
        shown = next((each for each in belonging if each.role in (ANSWER, EVENTUALLY)), None)
        answer = await self._answer(query, sent, block.role)
        if shown is None:
            assert "errors" not in answer, f"{block.place}: {answer['errors']}"
            assert _refusals(answer["data"]) == [], f"{block.place}: {_refusals(answer['data'])}"
            return
        wanted = orjson.loads(shown.text)
        for _ in range(int(PATIENCE_S / AGAIN_S) if shown.role == EVENTUALLY else 0):
            if self._answers.difference(wanted, answer) is None:
                break
            await asyncio.sleep(AGAIN_S)
            answer = await self._answer(query, sent, block.role)
        self._compare(shown, wanted, answer)

    async def _answer(self, query: str, variables: dict[str, Any], role: str) -> dict[str, Any]:
        sent = {"query": query, "variables": variables}
        answer = (await self._app.client.post("/graphql", json=sent, headers=await self._key(role))).json()
        return {name: answer[name] for name in ("data", "errors") if name in answer}

    async def _key(self, role: str) -> dict[str, str]:
        if role not in self._keys:
            self._keys[role] = await self._app.key(role or "admin")
        return self._keys[role]

    async def _run(self, block: Block) -> None:
        self._printed = ""
        for line in block.text.strip().splitlines():
            self.done += 1
            self._printed += await self._command(block, self._answers.filled_in(line))

    async def _command(self, block: Block, line: str) -> str:
        word, *words = shlex.split(line, comments=True)
        assert word == "regulars", f"{block.place}: a page runs `regulars …` alone, not {line!r}"
        url: URL = self._app.database.engine.url
        environment = {**os.environ, "REGULARS_DATABASE_URL": url.render_as_string(hide_password=False)}
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "regulars.cli.main", *words),
            cwd=ROOT,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, problem = await running.communicate()
        assert running.returncode == 0, f"{block.place}: {problem.decode()}"
        return printed.decode()

    def _compare(self, block: Block, shown: Any, real: Any) -> None:
        difference = self._answers.difference(shown, real)
        assert difference is None, f"{block.place}{difference}"


def _belonging(following: Sequence[Block]) -> list[Block]:
    end = next((place for place, block in enumerate(following) if block.language != "json"), len(following))
    return list(following[:end])


def _refusals(data: Any) -> list[Any]:
    return [error for payload in data.values() if isinstance(payload, dict) for error in payload.get("errors") or ()]
