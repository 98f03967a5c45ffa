"""Judge the company's colour, and make of it what light and dark pages need.

Source: Web Content Accessibility Guidelines 2.2, relative luminance and contrast ratio.
"""

import re

from regulars.errors import InvalidInput

__all__ = ["AccentRefused", "accent_rules", "checked_accent", "contrast"]

HEX = re.compile(r"#[0-9a-f]{6}")
LIGHT_SURFACES = ("#f5f5ef", "#fffefb", "#ebebe2")
DARK_SURFACES = ("#181a16", "#21241f", "#11130f")
WHITE, BLACK = "#ffffff", "#000000"
TEXT_CONTRAST, MARK_CONTRAST = 4.5, 3.0
STEPS = 50


class AccentRefused(InvalidInput):
    """Words in this colour, or white words on it, could not be read by everybody."""

    code = "TOO_LITTLE_CONTRAST"

    def __init__(self, accent: str, *, measured: float, nearest: str) -> None:
        self.accent, self.measured, self.nearest = accent, measured, nearest
        super().__init__(
            f"{accent} has a contrast of {measured:.1f} to 1 on our pages, and text needs {TEXT_CONTRAST}."
            f" The nearest shade that can be read is {nearest}.",
            path=("accent",),
        )


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def checked_accent(text: str) -> str:
    """Return the colour as ``#rrggbb``; raises ``InvalidInput``, and ``AccentRefused`` with a shade that would do."""
    accent = text.strip().lower()
    if not HEX.fullmatch(accent):
        raise InvalidInput(f"{text[:40]!r} is no colour. Write it as #1f5a4b.", path=("accent",))
    measured = _least_contrast(accent, (WHITE, *LIGHT_SURFACES))
    if measured < TEXT_CONTRAST:
        nearest = _towards(BLACK, accent, against=(WHITE, *LIGHT_SURFACES), wanted=TEXT_CONTRAST)
        raise AccentRefused(accent, measured=measured, nearest=nearest)
    return accent


def accent_rules(accent: str) -> str:
    """Return the style sheet that gives the pages this colour, in light and in dark; ``accent`` was checked before."""
    hover = _mixed(accent, BLACK, 0.25)
    light = {
        "action": accent,
        "action-hover": hover,
        "button": accent,
        "button-hover": hover,
        "button-line": accent,
        "awning": accent,
    }
    dark_action = _towards(WHITE, accent, against=DARK_SURFACES, wanted=2 * TEXT_CONTRAST - 1)
    dark = {
        "action": dark_action,
        "action-hover": _mixed(dark_action, WHITE, 0.3),
        "button": accent,
        "button-hover": hover,
        "button-line": _towards(WHITE, accent, against=DARK_SURFACES, wanted=MARK_CONTRAST + 1),
        "awning": _mixed(accent, WHITE, 0.12),
    }
    return f":root {{ {_declared(light)} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {_declared(dark)} }} }}\n"


def _declared(values: dict[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in values.items())


def _least_contrast(colour: str, others: tuple[str, ...]) -> float:
    return min(contrast(colour, other) for other in others)


def _towards(end: str, colour: str, *, against: tuple[str, ...], wanted: float) -> str:
    """Return the first shade on the way from ``colour`` to ``end`` that stands out enough."""
    shades = (_mixed(colour, end, step / STEPS) for step in range(STEPS + 1))
    return next((shade for shade in shades if _least_contrast(shade, against) >= wanted), end)


def _mixed(one: str, other: str, share: float) -> str:
    parts = zip(_parts(one), _parts(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in parts)


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
