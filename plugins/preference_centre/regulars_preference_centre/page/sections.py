"""The sections of the page, in the order in which they stand on it."""

from collections.abc import Sequence

from regulars_preference_centre.page import (
    channels,
    copies,
    known,
    less,
    matters,
    partners,
    past,
    scores,
    stop,
    streams,
    who,
    wishes,
)
from regulars_preference_centre.page.section import Section

__all__ = ["SECTIONS", "section_named"]

SECTIONS: Sequence[Section] = (
    who.SECTION,
    stop.SECTION,
    less.SECTION,
    channels.SECTION,
    streams.SECTION,
    wishes.SECTION,
    matters.SECTION,
    partners.SECTION,
    known.SECTION,
    scores.SECTION,
    past.SECTION,
    copies.SECTION,
)


def section_named(name: str) -> Section | None:
    """Return the section with this name, or None."""
    return next((section for section in SECTIONS if section.name == name), None)
