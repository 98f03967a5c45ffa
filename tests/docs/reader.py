"""Do what a page tells its reader to do, from top to bottom, on a real server, with an API key.

A `graphql` block is one operation; the word after `graphql` is the role of the key, admin unless given, or `staff` for
a person who is an admin. The `json` blocks after it belong to it:

- `json variables`: what is sent along
- `json answer`: what must come back
- `json eventually`: what must come back at last, asked again and again
- `json event`: what a subscription further up must bring next

A `json post /v1/…` block is sent by a site, with the write key of the source `site`, and answered by the `json answer`
after it.

A `form less/save` block is what a customer sends by a button of their page, one field a line.

A `sh` block holds commands to run, and a `text` block after it what they must print. A block whose second word is the
name of a file is that file.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from tests.core.tracking.sites import Site, write_key
from tests.docs.answers import Answers
from tests.docs.command_lines import Shell
from tests.docs.following import Following
from tests.docs.pages import Block, blocks_of

from regulars.testing.app import App

SendForm = Callable[[str, Mapping[str, str]], Awaitable[None]]

PATIENCE_S = 60
AGAIN_S = 0.2
SENT, ANSWER, EVENTUALLY, EVENT = "variables", "answer", "eventually", "event"
STAFF = "staff"


class Reader:
    """Somebody who follows one page; ``done`` counts what was done."""

    def __init__(
        self,
        folder: Path,
        app: App | None = None,
        *,
        database_url: str | None = None,
        send_form: SendForm | None = None,
    ) -> None:
        self._given_app, self._send_form = app, send_form
        self._shell = Shell(folder=folder, database_url=database_url or _address(self._app))
        self._answers = Answers()
        self._keys: dict[str, dict[str, str]] = {}
        self._following: list[Following] = []
        self.done = 0

    @property
    def _app(self) -> App:
        assert self._given_app is not None, "this page asks a server, and there is none"
        return self._given_app

    async def follow(self, page: Path, *, without: str = "") -> None:
        """Do all that the page says, but for blocks of one language; fails at the first that turns out otherwise."""
        blocks = [block for block in blocks_of(page) if block.language != without]
        async with self._shell:
            try:
                for place, block in enumerate(blocks):
                    await self._do(block, blocks[place + 1 :])
            finally:
                for following in self._following:
                    await following.stop()

    async def _do(self, block: Block, following: Sequence[Block]) -> None:
        if block.language == "graphql":
            await self._ask(block, _belonging(following))
        elif block.language == "sh":
            await self._run(block, following)
        elif (block.language, block.role) == ("json", EVENT):
            self._compare(block, orjson.loads(block.text), await self._following[-1].next_answer())
        elif block.language == "json" and block.role.startswith("post "):
            await self._send(block, following[0])
        elif block.language == "form":
            self.done += 1
            assert self._send_form is not None, "this page shows a customer's page, and nobody opened it"
            fields = dict(re.findall(r"^(\S+) = (.*)$", block.text, re.MULTILINE))
            await self._send_form(block.role, fields)
        elif "." in block.role:
            (self._shell.folder / block.role).write_text(block.text, encoding="utf-8")

    async def _send(self, block: Block, answer: Block) -> None:
        self.done += 1
        site = Site(self._app, await write_key(self._app, "site"))
        sent = orjson.loads(block.text)
        real = await site.post(block.role.removeprefix("post /v1/"), sent)
        self._compare(answer, orjson.loads(answer.text), real.json())

    async def _run(self, block: Block, following: Sequence[Block]) -> None:
        self.done += 1
        printed = await self._shell.printed_by(self._answers.filled_in(block.text))
        if following and following[0].language == "text":
            self._compare(following[0], following[0].text.strip(), printed.strip())

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
        if role == STAFF:
            answer = await self._app.ask(query, variables)
        else:
            sent, key = {"query": query, "variables": variables}, await self._key(role)
            answer = (await self._app.client.post("/graphql", json=sent, headers=key)).json()
        return {name: answer[name] for name in ("data", "errors") if name in answer}

    async def _key(self, role: str) -> dict[str, str]:
        if role not in self._keys:
            self._keys[role] = await self._app.key(role or "admin")
        return self._keys[role]

    def _compare(self, block: Block, shown: Any, real: Any) -> None:
        difference = self._answers.difference(shown, real)
        assert difference is None, f"{block.place}{difference}"


def _address(app: App) -> str:
    return app.database.engine.url.render_as_string(hide_password=False)


def _belonging(following: Sequence[Block]) -> list[Block]:
    end = next((place for place, block in enumerate(following) if block.language != "json"), len(following))
    return list(following[:end])


def _refusals(data: Any) -> list[Any]:
    return [error for payload in data.values() if isinstance(payload, dict) for error in payload.get("errors") or ()]
