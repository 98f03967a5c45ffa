"""What SQLite is taught: to write fractions and lists of texts exactly, and the small letters of all scripts."""

import math
import struct
from typing import Any

import orjson

__all__ = ["IRREGULAR", "SQLITE_FUNCTIONS"]

IRREGULAR = "regulars:irregular"
"""Stands where a value stood that has no JSON."""


def _number(value: float | None) -> str | None:
    if value is None:
        return None
    return repr(float(value)) if math.isfinite(value) else f'"{IRREGULAR}"'


def _number_digits(value: float | None) -> str | None:
    return None if value is None else struct.pack(">d", value).hex()


def _texts(document: str | None) -> str | None:
    if document is None:
        return None
    read: Any = orjson.loads(document)
    is_right = isinstance(read, list) and all(isinstance(each, str) for each in read)
    return document if is_right else f'"{IRREGULAR}"'


def _small_letters(text: object) -> str | None:
    return None if text is None else str(text).lower()


SQLITE_FUNCTIONS = {
    "regulars_number": _number,
    "regulars_number_digits": _number_digits,
    "regulars_small_letters": _small_letters,
    "regulars_texts": _texts,
}
"""Functions of one argument by their names in SQL."""
