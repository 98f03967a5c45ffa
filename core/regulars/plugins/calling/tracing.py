"""Show a plugin's calls in the log without the personal data that they carry."""

from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from regulars.private import Pii, Secret

__all__ = ["shown_arguments", "shown_type"]


def shown_arguments(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return arguments by name: ids, numbers and times as they are, texts and the rest by kind and length only."""
    return {name: _shown(value) for name, value in arguments.items()}


def shown_type(value: object) -> str:
    """Return the type of a result, with its length where it has one."""
    if value is None:
        return "None"
    if isinstance(value, Mapping | Sequence | Set) and not isinstance(value, str | bytes):
        return f"{type(value).__name__} of {len(value)}"
    return type(value).__name__


def _shown(value: object) -> str:
    match value:
        case None | bool() | int() | float() | UUID() | date() | datetime() | Enum():
            return str(value)
        case Pii() | Secret():
            return str(value)
        case str() | bytes():
            return f"‹text:{len(value)}›"
        case Mapping() | Sequence() | Set():
            return f"‹{shown_type(value)}›"
        case _:
            return f"‹{type(value).__name__}›"
