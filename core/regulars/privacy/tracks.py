"""Find what is left of a person where nothing refers to them: in jobs, rejected messages, notes and files."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, Text, cast, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.letters import in_small_letters
from regulars.personal import pii_of, refers_to_customer
from regulars.tables import Table as TableModel

__all__ = ["ERASED_WORD", "erase_from_files", "erase_from_tables", "telling_words"]

ERASED_WORD = "‹erased›"
SHORTEST_WORD = 5
SEARCHED_KINDS = ("free_text", "document")
EMPTIED = {"core_tracking_rejection": ("body", "masked", "message_id")}
"""Tables in which a hit costs the whole of what was said: the rest of the message is about the same person."""

LEFT_ALONE = frozenset({"core_event", "core_kept_answer", "core_ledger_words"})
"""Tables whose rows are found by whom they are about, not by what they say."""


def telling_words(texts: Iterable[str | None]) -> frozenset[str]:
    """Return the texts that point to one person, in small letters; short ones would hit strangers."""
    telling = [text for text in texts if text is not None and len(text.strip()) >= SHORTEST_WORD]
    # What is written with ß or a final sigma is another text without regard to case than in small letters.
    return frozenset(form for text in telling for form in (text.lower(), text.casefold()))


async def erase_from_tables(session: AsyncSession, *, words: Collection[str]) -> dict[str, int]:
    """Take the words out of every column that can hold anything and refers to nobody; return how many rows of which."""
    changed: dict[str, int] = {}
    if not words:
        return changed
    pattern = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)), re.IGNORECASE)
    for table in TableModel.metadata.sorted_tables:
        columns = list(_searched(table))
        if not columns or not table.name.startswith("core_"):
            continue
        keys = list(table.primary_key.columns)
        found = select(*keys, *columns).where(or_(*(_holds(column, words) for column in columns)))
        for row in (await session.execute(found)).all():
            told = row[len(keys) :]
            values = {column.name: _without(value, pattern) for column, value in zip(columns, told, strict=True)}
            values |= dict.fromkeys(EMPTIED.get(table.name, ()))
            is_this = [key == value for key, value in zip(keys, row, strict=False)]
            await session.execute(update(table).where(*is_this).values(values))
            changed[table.name] = changed.get(table.name, 0) + 1
    return changed


def erase_from_files(paths: Iterable[Path], *, words: Collection[str]) -> int:
    """Overwrite every line that has one of the words in it, in place and as long as it was; return how many lines.

    Who reads the file on from some byte finds that byte where it was.
    """
    erased = 0
    forms = [form for word in words for form in _forms(word)]
    for path in paths:
        with path.open("r+b") as file:
            begin = 0
            for line in file.readlines() if forms else []:
                told = line.decode(errors="replace").lower()
                if any(form in told for form in forms):
                    file.seek(begin)
                    file.write(_blank(line))
                    erased += 1
                begin += len(line)
    return erased


def _searched(table: Table) -> Iterator[Column[Any]]:
    refers = any(refers_to_customer(column) for column in table.columns)
    if not refers and table.name not in LEFT_ALONE:
        yield from (column for column in table.columns if pii_of(column) in SEARCHED_KINDS)


def _holds(column: Column[Any], words: Collection[str]) -> ColumnElement[bool]:
    text = in_small_letters(cast(column, Text))
    return or_(*(text.contains(form, autoescape=True) for word in words for form in _forms(word)))


def _forms(word: str) -> set[str]:
    """Return the word in small letters, and how JSON may write it, whatever letters of it are capital."""
    written = (json.dumps(case, ensure_ascii=True)[1:-1].lower() for case in (word, word.title(), word.upper()))
    return {word, json.dumps(word, ensure_ascii=False)[1:-1], *written}


def _without(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(ERASED_WORD, value)
    if isinstance(value, Mapping):
        return {_without(key, pattern): _without(part, pattern) for key, part in value.items()}
    if isinstance(value, list):
        return [_without(part, pattern) for part in value]
    return value


def _blank(line: bytes) -> bytes:
    """Return a line of the same length: of rejected rows the line's number stays, for who reads the file."""
    content = line.rstrip(b"\r\n")
    number = re.match(rb"\d+,", content)
    kept = (number[0] + b"ERASED,,{}") if number else b""
    kept = kept if len(kept) <= len(content) else b""
    return kept + b" " * (len(content) - len(kept)) + line[len(content) :]
