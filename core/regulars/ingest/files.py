"""Look at a file before anything of it is imported: whether it can be read, what it is, and how long."""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Literal, get_args

import orjson

from regulars.errors import UnknownValue
from regulars.ingest.problems import FileUnreadable, WrongEncoding

__all__ = ["LONGEST_LINE", "FileFormat", "ImportFile", "Position", "inspect_file"]

FileFormat = Literal["csv", "jsonl"]

FORMATS: dict[str, FileFormat] = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
DELIMITERS = ",;\t|"
BLOCK = 1024 * 1024
LONGEST_LINE = BLOCK
WIDE_ENCODINGS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Position:
    """A place between two records: how many bytes and how many lines lie before it."""

    offset: int = 0
    line: int = 0


@dataclass(frozen=True)
class ImportFile:
    """A file that can be read as UTF-8.

    ``columns`` are those of the header or, in JSON Lines, the keys of the first record. ``records`` counts lines, so it
    is too high where cells hold line breaks. ``begin`` lies before the first record.
    """

    path: Path
    format: FileFormat
    sha256: str
    size: int
    records: int
    columns: tuple[str, ...]
    delimiter: str
    begin: Position


def inspect_file(path: Path, *, format: str | None = None) -> ImportFile:
    """Return what the file is, having read all of it once.

    The format follows from the name where it is not given. Raises ``FileUnreadable`` for a file that is missing, empty
    or has a line of more than a megabyte, ``WrongEncoding`` for one that is not UTF-8, and ``UnknownValue`` for another
    format.
    """
    chosen = _format(path, format)
    try:
        with path.open("rb") as file:
            digest, size, lines = _read_through(path, file)
            file.seek(0)
            begin, first, delimiter = _first_record(path, file, chosen)
    except OSError as error:
        raise FileUnreadable(path, f"{error.strerror or error}. Check the name and who may read it.") from error
    records = lines - begin.line
    return ImportFile(path, chosen, digest, size, records, first, delimiter, begin)


def _format(path: Path, given: str | None) -> FileFormat:
    for known in get_args(FileFormat):
        if given == known:
            return known  # type: ignore[no-any-return]  # get_args is untyped
    if given is not None:
        raise UnknownValue("format", given, get_args(FileFormat), path=("format",))
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise UnknownValue("ending of a file to import; say its format", path.name, FORMATS, path=("format",))
    return FORMATS[ending]


def _read_through(path: Path, file: BinaryIO) -> tuple[str, int, int]:
    """Return the hash, the number of bytes and the number of lines."""
    digest, decoder = sha256(), codecs.getincrementaldecoder("utf-8")()
    size = breaks = 0
    last = b""
    for block in iter(lambda: file.read(BLOCK), b""):
        if size == 0 and block.startswith(WIDE_ENCODINGS):
            raise WrongEncoding(path, found="It is written in UTF-16 or UTF-32")
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            seen = bytes(error.object)
            line = breaks + seen[: error.start].count(b"\n") + 1
            raise WrongEncoding(
                path, found=f"Line {line} holds the byte {seen[error.start]:#04x}, which is no UTF-8"
            ) from error
        if b"\n" not in block and len(block) == BLOCK:
            raise FileUnreadable(path, f"line {breaks + 1} is longer than a megabyte. Is a quotation mark left open?")
        digest.update(block)
        breaks += block.count(b"\n")
        size += len(block)
        last = block
    if size == 0:
        raise FileUnreadable(path, "it is empty.")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise WrongEncoding(path, found="Its last character is cut off") from error
    return digest.hexdigest(), size, breaks + (not last.endswith(b"\n"))


def _first_record(path: Path, file: BinaryIO, format: FileFormat) -> tuple[Position, tuple[str, ...], str]:
    mark = len(codecs.BOM_UTF8) if file.read(3) == codecs.BOM_UTF8 else 0
    file.seek(mark)
    if format == "jsonl":
        return Position(mark, 0), _first_keys(path, file), ""
    read: list[bytes] = []

    def lines() -> Iterator[str]:
        for line in file:
            read.append(line)
            yield line.decode()

    first_line = file.readline().decode()
    file.seek(mark)
    delimiter = max(DELIMITERS, key=first_line.count)
    try:
        header = next(csv.reader(lines(), delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise FileUnreadable(path, f"its header cannot be read: {error}.") from error
    if not any(cell.strip() for cell in header):
        raise FileUnreadable(path, "its first line is empty. It must name the columns.")
    return Position(mark + sum(map(len, read)), len(read)), tuple(header), delimiter


def _first_keys(path: Path, file: BinaryIO) -> tuple[str, ...]:
    first = next((line for line in file if line.strip()), b"")
    try:
        record = orjson.loads(first)
    except orjson.JSONDecodeError as error:
        raise FileUnreadable(path, f"its first line is no JSON: {error}.") from error
    if not isinstance(record, dict):
        raise FileUnreadable(path, 'its first line is no JSON object, such as {"email": "anna@example.org"}.')
    return tuple(record)
