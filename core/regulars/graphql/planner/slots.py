"""Slots in the JSON of a statement: each holds what a batch field requires there, and makes way for its answer."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import String, bindparam

__all__ = ["MARK", "Slots"]

MARK = bindparam("regulars_mark", type_=String(), required=True)
"""What begins and ends a slot: a secret of the process, so that no value can look like one."""

NULL = b"null"


class Slots:
    """The JSON of a statement, taken apart at its slots; a slot is ``[MARK, number of its batch field, {…}, MARK]``."""

    def __init__(self, data: bytes, mark: str) -> None:
        # Each piece of text lies between the bracket of the slot before it and that of the slot behind it.
        pieces = (b"]%b[" % data).split(b'"%b"' % mark.encode())
        self._texts = [piece[1:-1] for piece in pieces[::2]]
        read: list[Any] = orjson.loads(b"[0%b0]" % b"0".join(pieces[1::2])) if len(pieces) > 1 else []
        self._batches: list[int] = read[1::3]
        self._held: list[dict[str, Any]] = read[2::3]
        self._fillings = [NULL] * len(self._held)

    def of(self, batch: int) -> list[int]:
        """Return the slots of a batch field, in the order of the answer."""
        return [slot for slot, one in enumerate(self._batches) if one == batch]

    def held(self, slots: Sequence[int]) -> list[dict[str, Any]]:
        """Return what slots hold."""
        return [self._held[slot] for slot in slots]

    def fill(self, slots: Sequence[int], values: Sequence[Any]) -> None:
        """Put a value in the place of each slot; raises ``TypeError`` for what has no JSON."""
        for slot, value in zip(slots, values, strict=True):
            self._fillings[slot] = orjson.dumps(value)

    def filled(self) -> bytes:
        """Return the JSON with the slots filled, null where nothing was put."""
        whole = [self._texts[0]]
        for filling, text in zip(self._fillings, self._texts[1:], strict=True):
            whole += (filling, text)
        return b"".join(whole)
