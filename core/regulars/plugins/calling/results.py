"""Check what a plugin's hooks return before anybody uses it."""

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

from regulars.errors import RegularsError
from regulars.messages.templates import MessageContent
from regulars.plugins.contributions import ErasureReceipt

__all__ = [
    "WrongResult",
    "check_content",
    "check_export",
    "check_nothing",
    "check_receipt",
    "instance_of",
    "mapping",
    "sequence_of",
    "size_checked",
]

T = TypeVar("T")

LARGEST_RESULT = 256 * 1024
LARGEST_LETTER = 4  # bytes of UTF-8
DEEPEST_RESULT = 32
MOST_ITEMS = 100_000


class WrongResult(RegularsError):
    """A hook returned something else than it promises."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)


def instance_of(kind: type[T], result: object) -> T:
    """Return the result when it is of this kind.

    Raises ``WrongResult`` naming both kinds.
    """
    if not isinstance(result, kind):
        raise WrongResult(f"it returned {_kind(result)} where {kind.__name__} belongs")
    return result


def sequence_of(kind: type[T], result: object) -> tuple[T, ...]:
    """Return the result as a tuple when it is a sequence of this kind."""
    if isinstance(result, str | bytes) or not isinstance(result, Sequence):
        raise WrongResult(f"it returned {_kind(result)} where a sequence of {kind.__name__} belongs")
    if len(result) > MOST_ITEMS:
        raise WrongResult(f"it returned {len(result)} items, more than {MOST_ITEMS}")
    return tuple(instance_of(kind, item) for item in result)


def mapping(result: object) -> Mapping[Any, Any]:
    """Return the result when it is a mapping."""
    if not isinstance(result, Mapping):
        raise WrongResult(f"it returned {_kind(result)} where a mapping belongs")
    return result


def size_checked(result: T) -> T:
    """Return the result when its texts and numbers take no more than 256 KiB."""
    if isinstance(result, str) and len(result) <= LARGEST_RESULT // LARGEST_LETTER:
        return result
    _within_limit(_sizes(result, DEEPEST_RESULT))
    return result


def check_nothing(result: object) -> None:
    """Accept None only."""
    if result is not None:
        raise WrongResult(f"it returned {_kind(result)} where nothing is expected")


def check_receipt(result: object) -> ErasureReceipt:
    """Return a copy of the receipt when it counts rows by table."""
    receipt = instance_of(ErasureReceipt, result)
    rows = mapping(receipt.rows)
    _within_limit(_sizes(rows, DEEPEST_RESULT))
    for table, count in rows.items():
        if not isinstance(table, str) or not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise WrongResult("its receipt must count rows, zero or more, by the name of their table")
    return ErasureReceipt(rows=dict(rows))


def check_content(result: object) -> MessageContent | None:
    """Accept words that can be sent, or None: a subject of one line, a text, and perhaps HTML of the same."""
    if result is None:
        return None
    content = instance_of(MessageContent, result)
    for words in (content.subject, content.text):
        if not instance_of(str, words).strip():
            raise WrongResult("it returned a message without a subject or without a text")
    if len(content.subject.splitlines()) != 1:
        raise WrongResult("it returned a subject of several lines")
    if content.html is not None:
        instance_of(str, content.html)
    size_checked((content.subject, content.text, content.html or ""))
    return content


def check_export(result: object) -> dict[str, Any]:
    """Return the result as plain JSON: texts, finite numbers, booleans, None, lists and dictionaries.

    Each entry, and each row of an entry that is a list, takes no more than 256 KiB.
    """
    entries = mapping(result)
    for entry in entries.values():
        rows = entry if isinstance(entry, Sequence) and not isinstance(entry, str | bytes) else [entry]
        for row in rows:
            _within_limit(_sizes(row, DEEPEST_RESULT))
    plain = _plain(entries, DEEPEST_RESULT + 2)
    assert isinstance(plain, dict)
    return plain


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a value of type {type(value).__name__}"


def _within_limit(sizes: Iterator[int]) -> None:
    total = 0
    for size in sizes:
        total += size
        if total > LARGEST_RESULT:
            raise WrongResult(f"it returned more than {LARGEST_RESULT // 1024} KiB")


def _sizes(value: object, depth: int) -> Iterator[int]:
    """Give sizes in bytes piece by piece, so that a huge value is refused before all of it is walked."""
    if depth == 0:
        raise WrongResult(f"it returned something nested deeper than {DEEPEST_RESULT} levels")
    if isinstance(value, str):
        yield len(value) if value.isascii() or len(value) > LARGEST_RESULT else len(value.encode(errors="replace"))
    elif isinstance(value, bytes | bytearray | memoryview):
        yield len(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _sizes(key, depth - 1)
            yield from _sizes(item, depth - 1)
    elif isinstance(value, Sequence | Set):
        for item in value:
            yield from _sizes(item, depth - 1)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _sizes(getattr(value, field.name), depth - 1)
    else:
        yield 16


def _plain(value: object, depth: int) -> Any:
    if depth == 0:
        raise WrongResult(f"it returned something nested deeper than {DEEPEST_RESULT} levels")
    match value:
        case None | bool() | int():
            return value
        case Enum():
            return _plain(value.value, depth - 1)
        case str():
            return str(value)
        case float():
            if not math.isfinite(value):
                raise WrongResult(f"it returned {value}, which is no number")
            return value
        case Decimal():
            if not value.is_finite():
                raise WrongResult(f"it returned {value}, which is no number")
            return str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case UUID():
            return str(value)
        case Mapping():
            return {_key(key): _plain(item, depth - 1) for key, item in value.items()}
        case Sequence() | Set() if not isinstance(value, bytes | bytearray | memoryview):
            return [_plain(item, depth - 1) for item in value]
        case _:
            raise WrongResult(f"it returned {_kind(value)}, which JSON does not know")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise WrongResult(f"it returned a mapping with {_kind(key)} as a key, where JSON wants text")
    return key
