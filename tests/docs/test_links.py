"""No page leads astray."""

import re
from pathlib import Path

import pytest
from tests.docs.pages import ROOT, all_pages

from regulars.touchpoints.types import core_touchpoint_types

LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]+)?\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PAGES = [*all_pages(), ROOT / "CONTRIBUTING.md", ROOT / "plugins" / "clv" / "README.md"]


def targets(page: Path) -> list[tuple[Path, str]]:
    """Return where the links of a page lead: a file, and a heading in it."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    return [((page.parent / file).resolve() if file else page, anchor) for file, anchor in LINK.findall(text)]


def anchors(page: Path) -> set[str]:
    """Return the headings of a page, as links name them."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = [str(file) for file, _ in targets(page) if not file.exists()]
    astray = [anchor for file, anchor in targets(page) if anchor and file.exists() and anchor not in anchors(file)]

    assert (lost, astray) == ([], [])


def test_every_page_is_reached_from_the_map() -> None:
    reached = {
        file
        for start in (ROOT / "docs" / "README.md", ROOT / "docs" / "decisions" / "README.md")
        for file, _ in targets(start)
    }

    assert [
        str(page) for page in (ROOT / "docs").rglob("*.md") if page not in reached and page.name != "README.md"
    ] == []


def test_the_page_about_the_crm_names_every_type_of_touchpoint() -> None:
    page = (ROOT / "docs" / "how-to" / "keep-in-step-with-your-crm.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"## Types of touchpoints\n\n(.*?)\n\n", page, re.DOTALL)

    assert re.findall(r"`(\w+)`", listed) == list(core_touchpoint_types().types)
