"""Judge a value once, however many rows of a file repeat it, and look after the memory of many rows."""

import gc
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from regulars.errors import ExpectedError

__all__ = ["Fault", "Judged", "collecting_seldom", "without_faults"]

Given = TypeVar("Given", bound=Hashable)
Value = TypeVar("Value")

MOST = 100_000
SELDOM = 50_000


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Let Python look for unreachable cycles a hundred times less often, for a process that only imports.

    Rows make none, and looking among them took two fifths of the time of reading.
    """
    before = gc.get_threshold()
    gc.set_threshold(SELDOM, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a value."""

    error: ExpectedError


class Judged(dict[Given, Value | Fault]):
    """What a function makes of each value: its result or, where it raises an ``ExpectedError``, the fault.

    It forgets everything when it has grown to ``most`` values, so that files of any length fit into memory.
    """

    def __init__(self, judge: Callable[[Given], Value], *, most: int = MOST) -> None:
        super().__init__()
        self._judge, self._most = judge, most

    def __missing__(self, given: Given) -> Value | Fault:
        result: Value | Fault
        try:
            result = self._judge(given)
        except ExpectedError as error:
            result = Fault(error.with_traceback(None))
        if len(self) >= self._most:
            self.clear()
        self[given] = result
        return result

    def each(self, column: Iterable[Given]) -> list[Value | Fault]:
        """Return what it makes of every value of a column, in order."""
        return list(map(self.__getitem__, column))


def without_faults(
    columns: Mapping[str, Sequence[Any]], judged: Sequence[str]
) -> tuple[dict[str, Sequence[Any]], dict[int, ExpectedError]]:
    """Return the columns without the rows with a ``Fault`` in a ``judged`` column, and the first fault of each.

    The faults are by the index of the row before anything was taken out.
    """
    faults: dict[int, ExpectedError] = {}
    for column in map(columns.__getitem__, judged):
        if Fault in set(map(type, column)):
            for index, value in enumerate(column):
                if isinstance(value, Fault):
                    faults.setdefault(index, value.error)
    if not faults:
        return dict(columns), faults
    return {
        name: [value for index, value in enumerate(column) if index not in faults] for name, column in columns.items()
    }, faults
