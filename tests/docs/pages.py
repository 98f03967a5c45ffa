"""Read what the pages of the documentation ask their readers to type, and what they promise in return."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

FENCE = re.compile(r"^(?P<indent> *)```(?P<words>.*)\n(?P<text>(?:.*\n)*?)(?P=indent)```$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the word after that, its text, and where it stands."""

    place: str
    language: str
    role: str
    text: str


def blocks_of(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, from top to bottom."""
    return list(_blocks(page))


def _blocks(page: Path) -> Iterator[Block]:
    content = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(content):
        language, _, role = found["words"].strip().partition(" ")
        line = content.count("\n", 0, found.start()) + 1
        yield Block(f"{page.relative_to(ROOT)}:{line}", language, role, found["text"])


def all_pages() -> list[Path]:
    """Return every page that people write."""
    written = sorted(page for page in DOCS.rglob("*.md") if page.parent.name != "reference")
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *written]
