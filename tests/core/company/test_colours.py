import re

import pytest

from regulars.company.colours import AccentRefused, accent_rules, checked_accent, contrast
from regulars.errors import InvalidInput

OURS = "#1f5a4b"
DECLARED = re.compile(r"(--[a-z-]+): (#[0-9a-f]{6});")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        # Values of the W3C's own examples and of the product's colour table.
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#23251f", "#fffefb", 15.4),
        (OURS, "#fffefb", 7.9),
        ("#ffffff", OURS, 8.0),
    ],
)
def test_contrast_is_measured_as_the_guidelines_say(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.06)


@pytest.mark.parametrize("accent", [OURS, "#7A2048", " #003366 "])
def test_a_colour_that_can_be_read_is_taken(accent: str) -> None:
    assert checked_accent(accent) == accent.strip().lower()


@pytest.mark.parametrize("accent", ["#ffcc00", "#ff6600", "#00aaff", "#ffffff"])
def test_a_colour_that_cannot_be_read_is_refused_with_the_nearest_that_can(accent: str) -> None:
    with pytest.raises(AccentRefused) as refused:
        checked_accent(accent)

    assert refused.value.measured < 4.5
    assert checked_accent(refused.value.nearest) == refused.value.nearest


@pytest.mark.parametrize("text", ["green", "#12345", "#12345g", "1f5a4b", "#1f5a4b; } body { display: none", ""])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="Write it as"):
        checked_accent(text)


@pytest.mark.parametrize("accent", [OURS, "#7a2048", "#003366", "#000000"])
def test_the_pages_can_be_read_in_the_dark_as_well(accent: str) -> None:
    _, _, dark = accent_rules(accent).partition("dark")
    values = dict(DECLARED.findall(dark))

    assert contrast(values["--action"], "#21241f") >= 4.5
    assert contrast(values["--button-line"], "#21241f") >= 3
    assert contrast("#ffffff", values["--button"]) >= 4.5
