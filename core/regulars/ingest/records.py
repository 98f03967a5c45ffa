"""Read the records of a file in chunks, from any place between two of them, in memory that does not grow."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, Protocol

import orjson

from regulars.errors import ExpectedError
from regulars.ingest.columns import FIELDS, ColumnMapping
from regulars.ingest.files import ImportFile, Position
from regulars.ingest.problems import ColumnTwice, MalformedRow
from regulars.suppressions.refusals import AddressErased

__all__ = ["Chunk", "Records", "Rejection", "check_columns", "open_records"]

LARGEST_CHUNK = 16 * 1024 * 1024
"""Bytes after which a chunk ends, however few records it has."""

EXACT_DIGITS = 15


@dataclass(frozen=True)
class Rejection:
    """A row that cannot be imported: where it begins, why, and the row itself."""

    line: int
    error: ExpectedError
    row: object


class Rows(Protocol):
    """The texts of records that follow one another."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Sequence[str]]: ...
    def __getitem__(self, index: int, /) -> Sequence[str]: ...


class _PlainRows:
    """Records of one line each, taken apart whenever they are asked for: as texts they need five times the memory."""

    def __init__(self, lines: Sequence[bytes], delimiter: str) -> None:
        self._lines, self._delimiter = lines, delimiter

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Sequence[str]]:
        return csv.reader(map(bytes.decode, self._lines), delimiter=self._delimiter, strict=True)

    def __getitem__(self, index: int) -> Sequence[str]:
        return next(iter(_PlainRows(self._lines[index : index + 1], self._delimiter)))


@dataclass(frozen=True)
class Chunk:
    """Some records that follow one another, as texts, with the lines on which they begin.

    ``fields`` says what each cell of a row holds; None is left out. ``malformed`` are the records that could not be
    taken apart. ``end`` lies after the last record.
    """

    names: Sequence[str]
    fields: Sequence[str | None]
    constants: Mapping[str, str]
    lines: Sequence[int]
    rows: Rows
    malformed: Sequence[Rejection]
    end: Position

    @property
    def size(self) -> int:
        """Return how many records were read, malformed ones included."""
        return len(self.rows) + len(self.malformed)

    def columns(self) -> dict[str, Sequence[str]]:
        """Return the texts of each field that the file has, or that is the same for all rows."""
        texts = zip(self.fields, zip(*self.rows, strict=True), strict=True)
        given: dict[str, Sequence[str]] = {name: column for name, column in texts if name is not None}
        return given | {name: [text] * len(self.rows) for name, text in self.constants.items()}

    def rejection(self, index: int, error: ExpectedError) -> Rejection:
        """Return the rejection of a row that was read; of whoever was erased, nothing is kept."""
        if isinstance(error, AddressErased):
            return Rejection(self.lines[index], error, {})
        row = {name: text for name, text in zip(self.names, self.rows[index], strict=True) if text}
        return Rejection(self.lines[index], error, row)


class Records:
    """The records of an open file, from a position on."""

    def __init__(self, opened: BinaryIO, file: ImportFile, mapping: ColumnMapping, begin: Position) -> None:
        self._file, self._mapping = file, mapping
        self._lines = _Lines(opened, begin)
        is_csv = file.format == "csv"
        self._records = _csv_records(self._lines, file) if is_csv else _json_records(self._lines, mapping)
        self._names = file.columns if is_csv else FIELDS[mapping.kind]
        self._fields = mapping.fields_of(file.columns) if is_csv else FIELDS[mapping.kind]

    def read(self, most: int) -> Chunk:
        """Return up to ``most`` records more; an empty chunk is the end."""
        return (self._file.format == "csv" and self._read_plain(most)) or self._read_with_care(most)

    def _read_plain(self, most: int) -> Chunk | None:
        """Return the next records where each is one line and nothing is wrong with any, as in most files; else None."""
        begin = self._lines.position
        lines = self._lines.take(most)
        rows = _PlainRows(lines, self._file.delimiter)
        try:
            widths = list(map(len, rows))
        except csv.Error:
            widths = []
        is_plain = len(widths) == len(lines) and set(widths) == {len(self._names)}
        if not is_plain or self._lines.offset - begin.offset > LARGEST_CHUNK:
            self._lines.go_back(begin)
            return None
        return self._chunk(range(begin.line + 1, begin.line + 1 + len(rows)), rows, [])

    def _read_with_care(self, most: int) -> Chunk:
        begin = self._lines.offset
        lines: list[int] = []
        rows: list[Sequence[str]] = []
        malformed: list[Rejection] = []
        for line, record in self._records:
            if isinstance(record, Rejection):
                malformed.append(record)
            else:
                lines.append(line)
                rows.append(record)
            if len(rows) + len(malformed) >= most or self._lines.offset - begin >= LARGEST_CHUNK:
                break
        return self._chunk(lines, rows, malformed)

    def _chunk(self, lines: Sequence[int], rows: Rows, malformed: Sequence[Rejection]) -> Chunk:
        constants = self._mapping.constants
        return Chunk(self._names, self._fields, constants, lines, rows, malformed, self._lines.position)


_Record = tuple[int, Sequence[str] | Rejection]


class _Lines:
    """The lines of a file as texts; ``position`` lies after the last one that was given out."""

    def __init__(self, file: BinaryIO, begin: Position) -> None:
        self._file = file
        self.offset, self.line = begin.offset, begin.line
        self.last = ""
        file.seek(begin.offset)

    def __iter__(self) -> Iterator[str]:
        for line in self._file:
            self.offset += len(line)
            self.line += 1
            self.last = line.decode()
            yield self.last

    def take(self, most: int) -> list[bytes]:
        lines = list(islice(self._file, most))
        self.offset += sum(map(len, lines))
        self.line += len(lines)
        return lines

    def go_back(self, position: Position) -> None:
        self._file.seek(position.offset)
        self.offset, self.line = position.offset, position.line

    @property
    def position(self) -> Position:
        return Position(self.offset, self.line)


def check_columns(file: ImportFile, mapping: ColumnMapping) -> None:
    """Raise what ``ColumnMapping.fields_of`` raises when the file cannot be imported with this mapping.

    In JSON Lines the first record stands for all; keys that only the mapping names may come later.
    """
    later = () if file.format == "csv" else tuple(mapping.columns.keys() - set(file.columns))
    mapping.fields_of((*file.columns, *later))


@contextmanager
def open_records(file: ImportFile, *, mapping: ColumnMapping, begin: Position) -> Iterator[Records]:
    """Give the records of a file that was inspected, from a position on."""
    with file.path.open("rb") as opened:
        yield Records(opened, file, mapping, begin)


def _csv_records(lines: _Lines, file: ImportFile) -> Iterator[_Record]:
    reader = csv.reader(lines, delimiter=file.delimiter, strict=True)
    width = len(file.columns)
    while True:
        first = lines.line + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield first, Rejection(first, MalformedRow(str(error)), lines.last.rstrip("\r\n"))
            continue
        if len(row) == width:
            yield first, row
        elif row:
            yield first, Rejection(first, MalformedRow(f"it has {len(row)} cells, the header {width}"), row)


def _json_records(lines: _Lines, mapping: ColumnMapping) -> Iterator[_Record]:
    places = _Places(mapping)
    for text in lines:
        if text.isspace():
            continue
        line = lines.line
        try:
            yield line, places.row_of(orjson.loads(text))
        except orjson.JSONDecodeError as error:
            yield line, Rejection(line, MalformedRow(f"it is no JSON ({error})"), text.rstrip("\r\n"))
        except ExpectedError as error:
            yield line, Rejection(line, error, text.rstrip("\r\n"))


class _Places:
    """Which place in a row belongs to each key of a record; other records may have other keys."""

    def __init__(self, mapping: ColumnMapping) -> None:
        self._mapping = mapping
        self._width = len(FIELDS[mapping.kind])
        self._known: dict[str, int | None] = {}

    def row_of(self, record: Any) -> Sequence[str]:
        if not isinstance(record, dict):
            raise MalformedRow("it is no JSON object")
        row = [""] * self._width
        for key, value in record.items():
            place = self._known[key] if key in self._known else self._learn(key)
            if place is None or value is None:
                continue
            if row[place]:
                raise ColumnTwice(FIELDS[self._mapping.kind][place], "another key", str(key))
            row[place] = value if isinstance(value, str) else _as_text(value)
        return row

    def _learn(self, key: str) -> int | None:
        field = self._mapping.field_of(key)
        if field is not None and field in self._mapping.constants:
            raise ColumnTwice(field, "the value for all rows", key)
        self._known[key] = None if field is None else FIELDS[self._mapping.kind].index(field)
        return self._known[key]


def _as_text(value: Any) -> str:
    if isinstance(value, float):
        text = repr(value)
        if sum(sign.isdigit() for sign in text.split("e")[0]) > EXACT_DIGITS:
            raise MalformedRow(f"the number {text} is longer than JSON keeps exactly; write it as text, in quotes")
        return text
    return orjson.dumps(value).decode()
