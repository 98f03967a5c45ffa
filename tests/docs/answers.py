"""Compare what a page shows with what really came.

`…` stands for text that differs each time. Four digits on both sides of it, such as `018f…c1d2`, stand for an id: the
same stand-in is the same id on the whole page, also where it is given back as a variable. Fractions may differ in the
third digit, and `"…"` at the end of a list stands for more of the same.
"""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

ID = re.compile(r"[0-9a-f]{4}…[0-9a-f]{4}")
REAL_ID = "([0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})"
CLOSE = 5e-3


class Answers:
    """What is known of the ids of one page."""

    def __init__(self) -> None:
        self._ids: dict[str, UUID] = {}

    def filled_in(self, value: Any) -> Any:
        """Return what the page wants sent, with real ids for their stand-ins."""
        if isinstance(value, dict):
            return {name: self.filled_in(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.filled_in(each) for each in value]
        if isinstance(value, str):
            return ID.sub(lambda found: self._ids[found[0]].hex, value)
        return value

    def difference(self, shown: Any, real: Any) -> str | None:
        """Return where the real answer is another than the one that the page shows; None where it is the same."""
        return next(self._differences(shown, real, ""), None)

    def _differences(self, shown: Any, real: Any, where: str) -> Iterator[str]:
        if isinstance(shown, dict) and isinstance(real, dict) and shown.keys() == real.keys():
            for name in shown:
                yield from self._differences(shown[name], real[name], f"{where}.{name}")
        elif isinstance(shown, list) and isinstance(real, list):
            yield from self._differences_of_lists(shown, real, where)
        elif not self._is_alike(shown, real):
            yield f"{where}: the page shows {shown!r}, and it is {real!r}"

    def _differences_of_lists(self, shown: list[Any], real: list[Any], where: str) -> Iterator[str]:
        if shown and shown[-1] == "…":
            shown, real = shown[:-1], real[: len(shown) - 1]
        if len(shown) != len(real):
            yield f"{where}: the page shows {len(shown)} items, and there are {len(real)}"
        for place, (one, other) in enumerate(zip(shown, real, strict=False)):
            yield from self._differences(one, other, f"{where}[{place}]")

    def _is_alike(self, shown: Any, real: Any) -> bool:
        if isinstance(shown, str) and isinstance(real, str):
            return self._is_alike_in_text(shown, real)
        if isinstance(shown, float) and isinstance(real, int | float):
            return abs(shown - real) <= CLOSE * abs(shown)
        return type(shown) is type(real) and bool(shown == real)

    def _is_alike_in_text(self, shown: str, real: str) -> bool:
        plain = [re.escape(part).replace("…", "(?:.|\n)*") for part in ID.split(shown)]
        found = re.fullmatch(REAL_ID.join(plain), real)
        if found is None:
            return False
        ids = zip(ID.findall(shown), map(UUID, found.groups()), strict=True)
        return all(self._ids.setdefault(name, id) == id for name, id in ids)
