"""Keep the rejected rows of a file, each with its line and its reason, as CSV."""

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

import orjson

from regulars.ingest.problems import FileUnreadable
from regulars.ingest.records import Rejection

__all__ = ["RejectsFile"]

HEADER = ("line", "code", "reason", "row")


class RejectsFile:
    """A file of rejected rows; what belongs to chunks that were never committed is written over.

    A row is one cell of JSON, so that no spreadsheet takes one of its cells for a formula.
    """

    def __init__(self, path: Path, *, size: int) -> None:
        self.path = path
        try:
            self._file = path.open("r+b" if path.exists() else "w+b")
            self._file.truncate(size)
        except OSError as error:
            reason = (
                f"the rows that are rejected cannot be kept there ({error.strerror}). Choose another file for them."
            )
            raise FileUnreadable(path, reason) from error

    def write(self, rejections: Sequence[Rejection], *, after: int) -> int:
        """Write rejections after so many bytes, drop what stood there, and return the new size, safely on disk."""
        if not rejections:
            return after
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        if after == 0:
            writer.writerow(HEADER)
        for rejection in sorted(rejections, key=lambda one: one.line):
            row = orjson.dumps(rejection.row).decode()
            writer.writerow((rejection.line, rejection.error.code, str(rejection.error), row))
        self._file.seek(after)
        self._file.truncate()
        self._file.write(text.getvalue().encode(errors="backslashreplace"))
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Let go of the file, and remove it when nothing was rejected."""
        is_empty = self._file.seek(0, os.SEEK_END) == 0
        self._file.close()
        if is_empty:
            self.path.unlink(missing_ok=True)
