"""Write rows as CSV or JSON Lines, so that no spreadsheet runs what a customer typed; pure."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from regulars.exports.columns import ExportFormat, row_of

__all__ = ["errors_header", "harmless", "header", "lines_of", "lines_of_errors"]

# Excel, LibreOffice and Google Sheets take a cell that begins so for a formula, full-width signs included.
FORMULA = re.compile(r"[=+\-@\t\r\n|%＝＋－＠]")
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
BETWEEN = "; "


def header(format: ExportFormat, columns: Sequence[str]) -> bytes:
    """Return what a file begins with."""
    return _csv([columns]) if format == "csv" else b""


def lines_of(format: ExportFormat, nodes: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """Return the lines of these rows."""
    rows = [row_of(node, columns) for node in nodes]
    if format == "csv":
        return _csv([[_cell(value) for value in row] for row in rows])
    return b"".join(orjson.dumps(dict(zip(columns, row, strict=True))) + b"\n" for row in rows)


def errors_header() -> bytes:
    """Return what the report of errors begins with."""
    return _csv([("id", "column", "code", "message")])


def lines_of_errors(errors: Sequence[tuple[str, str, str, str]]) -> bytes:
    """Return the lines of errors: id of the row, column, code, message."""
    return _csv([[harmless(text) for text in error] for error in errors])


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: with an apostrophe before it, unless it is a number."""
    if FORMULA.match(text.lstrip(" ")) and not NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and not any(isinstance(each, dict | list) for each in value):
        return harmless(BETWEEN.join(_cell(each).removeprefix("'") for each in value))
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return harmless(str(value))
