"""Slots in the JSON of a statement: each holds what a batch field requires there, and makes way for its answer."""

from collections.abc import Mapping
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
        pieces = data.split(b'"%s"' % mark.encode())
        held: list[tuple[int, dict[str, Any]]] = []
        if len(pieces) > 1:
            held = orjson.loads(b"[[%s]]" % b"],[".join([piece[1:-1] for piece in pieces[1::2]]))
        # A text around slots has the bracket of the slot before it, and that of the slot behind it.
        self._texts = [
            piece[1 if number else 0 : -1 if number < len(held) else None] for number, piece in enumerate(pieces[::2])
        ]
        self._fillings = [NULL] * len(held)
        self._by_batch: dict[int, list[int]] = {}
        for slot, (batch, _) in enumerate(held):
            self._by_batch.setdefault(batch, []).append(slot)
        self._held = [values for _, values in held]

    def of(self, batch: int) -> list[int]:
        """Return the slots of a batch field, in the order of the answer."""
        return self._by_batch.get(batch, [])

    def held(self, slot: int) -> Mapping[str, Any]:
        """Return what a slot holds."""
        return self._held[slot]

    def fill(self, slot: int, value: Any) -> None:
        """Put a value in the place of a slot; raises ``TypeError`` for what has no JSON."""
        self._fillings[slot] = orjson.dumps(value)

    def filled(self) -> bytes:
        """Return the JSON with the slots filled, null where nothing was put."""
        whole = [self._texts[0]]
        for filling, text in zip(self._fillings, self._texts[1:], strict=True):
            whole += (filling, text)
        return b"".join(whole)
