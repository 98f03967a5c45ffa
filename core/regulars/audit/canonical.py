"""Write JSON in the one way in which everybody writes it, so that its digest can be checked elsewhere.

Source: RFC 8785, JSON Canonicalization Scheme.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

__all__ = ["canonical_json"]

LARGEST_PLAIN = 21
"""Digits before the point up to which ECMAScript writes a number without exponent."""

SMALLEST_PLAIN = -6


def canonical_json(value: Any) -> bytes:
    """Return the value as canonical JSON: members sorted, no space, every number as the double that it is.

    Raises ``ValueError`` for what JSON does not have: NaN, infinity, keys that are no text, lone surrogates.
    """
    return _text(value).encode()


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, Mapping):
        members = sorted(value.items(), key=lambda member: _sort_key(member[0]))
        return "{" + ",".join(f"{_text(name)}:{_text(member)}" for name, member in members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_text(item) for item in value) + "]"
    raise ValueError(f"JSON has no {type(value).__name__}.")


def _sort_key(name: object) -> bytes:
    if not isinstance(name, str):
        raise ValueError(f"The name {name!r} is no text.")
    return name.encode("utf-16-be")


def _number(value: float) -> str:
    """Return the number as ECMAScript's ``Number::toString`` does."""
    double = float(value)
    if not math.isfinite(double):
        raise ValueError(f"JSON has no {double}.")
    if double == 0:
        return "0"
    sign = "-" if double < 0 else ""
    mantissa, _, exponent = f"{abs(double)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= LARGEST_PLAIN:
        return sign + digits.ljust(point, "0")
    if 0 < point <= LARGEST_PLAIN:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if SMALLEST_PLAIN < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    power = point - 1
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if power > 0 else '-'}{abs(power)}"
