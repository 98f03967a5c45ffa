"""Print an object so that the same input gives the same bytes: twelve significant digits, and never NaN."""

import json
import math
from collections.abc import Mapping

__all__ = ["json_line", "plain_lines"]


def json_line(value: object) -> str:
    """Return one line of JSON; numbers that are not finite become ``null``."""
    return json.dumps(_plain(value), allow_nan=False)


def plain_lines(report: Mapping[str, object]) -> str:
    """Return the object's short entries for a reader, one a line; of long lists only how many entries they have."""
    lines = []
    for name, value in report.items():
        plain = _plain(value)
        if isinstance(plain, dict):
            lines += [f"{name}.{inner}: {_short(entry)}" for inner, entry in plain.items()]
        else:
            lines.append(f"{name}: {_short(plain)}")
    return "\n".join(lines)


def _short(plain: object) -> str:
    if isinstance(plain, list) and any(isinstance(entry, dict | list) for entry in plain):
        return f"{len(plain)} entries (see --json)"
    return plain if isinstance(plain, str) else json.dumps(plain)


def _plain(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.12g}") + 0.0 if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value
