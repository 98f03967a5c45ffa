"""The how-to shows the card as it is."""

import re
from pathlib import Path

import pytest
from tests.docs.pages import DOCS, ROOT, Block, blocks_of
from tests.docs.reader import Reader
from typer.testing import CliRunner

from regulars.cli.plugin import plugin_app
from regulars.plugins.joining.discovery import found_plugin
from regulars.testing.fixtures import MakeApp
from regulars_loyalty_card.manifest import manifest

PAGE = DOCS / "how-to" / "write-a-plugin.md"
CARD = ROOT / "tests" / "third_party" / "loyalty_card"
QUOTES = [block for block in blocks_of(PAGE) if block.language in ("python", "toml")]


def quoted(block: Block) -> tuple[str, str]:
    """Return which file a block quotes, and what."""
    head, _, text = block.text.partition("\n")
    return head.removeprefix("# "), text


@pytest.mark.parametrize("block", QUOTES, ids=[block.place for block in QUOTES])
def test_what_the_page_quotes_stands_in_the_file(block: Block) -> None:
    file, text = quoted(block)

    assert text in (CARD / file).read_text(encoding="utf-8")


def test_the_page_shows_every_hook_that_the_card_has() -> None:
    source = (CARD / "regulars_loyalty_card" / "plugin.py").read_text(encoding="utf-8")
    shown = "".join(text for file, text in map(quoted, QUOTES) if file.endswith("plugin.py"))

    hooks = re.findall(r"@hookimpl\n(?:async )?def (\w+)", source)

    assert hooks
    assert [hook for hook in hooks if f"def {hook}(" not in shown] == []


async def test_what_the_page_asks_is_answered(make_app: MakeApp, tmp_path: Path) -> None:
    reader = Reader(tmp_path, await make_app(manifest))

    await reader.follow(PAGE)

    assert reader.done == 2


@pytest.mark.usefixtures("logging_restored")
def test_the_plan_begins_as_the_page_shows_it(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_DATABASE_URL", database_url)
    (shown,) = (block.text for block in blocks_of(PAGE) if block.language == "text")

    result = CliRunner().invoke(plugin_app(lambda _settings: [found_plugin(manifest)]), ["plan", "loyalty_card"])

    assert result.stdout.startswith(shown)
