"""What can be wrong with a file, or with one row of it."""

from collections.abc import Sequence
from pathlib import Path

from regulars.errors import ExpectedError, InvalidInput

__all__ = [
    "ColumnTwice",
    "FileUnreadable",
    "ImportOvertaken",
    "MalformedRow",
    "MissingColumn",
    "NamelessRow",
    "NoNumber",
    "NoTime",
    "UnknownColumn",
    "UnknownCustomer",
    "WrongEncoding",
]


class FileUnreadable(ExpectedError):
    """A file cannot be read, or has not what a file to import must have."""

    code = "FILE_UNREADABLE"

    def __init__(self, path: Path, reason: str) -> None:
        self.file, self.reason = path, reason
        super().__init__(f"{path.name} cannot be imported: {reason}")


class WrongEncoding(FileUnreadable):
    """A file is not written in UTF-8."""

    code = "WRONG_ENCODING"

    def __init__(self, path: Path, *, found: str) -> None:
        super().__init__(path, f"{found}. Save it as UTF-8 (spreadsheets call it CSV UTF-8) and import that.")


class UnknownColumn(InvalidInput):
    """A column was named that means nothing here."""

    code = "UNKNOWN_COLUMN"

    def __init__(self, column: str, fields: Sequence[str], *, nearest: str | None) -> None:
        self.column, self.fields = column, tuple(fields)
        hint = f"Did you mean {nearest!r}? " if nearest else ""
        super().__init__(
            f"The column {column!r} means nothing. {hint}Map it to a field ({column}=FIELD), or leave it out"
            f" ({column}=-). Fields: {', '.join(fields)}.",
            path=("mapping",),
        )


class MissingColumn(InvalidInput):
    """A file lacks a column without which none of its rows can be imported."""

    code = "MISSING_COLUMN"

    def __init__(self, wanted: str, columns: Sequence[str]) -> None:
        self.wanted, self.columns = wanted, tuple(columns)
        super().__init__(
            f"The file has no {wanted}. Name the column that holds it (COLUMN=FIELD), or set it for all rows."
            f" Columns: {', '.join(columns)}.",
            path=("mapping",),
        )


class ColumnTwice(InvalidInput):
    """Two columns, or a column and a fixed value, are meant for one field."""

    code = "COLUMN_TWICE"

    def __init__(self, field: str, first: str, second: str) -> None:
        self.field, self.first, self.second = field, first, second
        super().__init__(
            f"{field} is given twice: by {first!r} and by {second!r}. Leave one out ({second}=-).", path=("mapping",)
        )


class MalformedRow(InvalidInput):
    """A row cannot be taken apart."""

    code = "MALFORMED"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The row cannot be read: {reason}.")


class NamelessRow(InvalidInput):
    """A row does not say whom it is about."""

    code = "REQUIRED"

    def __init__(self, fields: Sequence[str]) -> None:
        self.fields = tuple(fields)
        super().__init__(f"The row names no customer. Fill one of: {', '.join(fields)}.")


class NoNumber(InvalidInput):
    """A cell should hold a number and does not."""

    code = "INVALID"

    def __init__(self, text: str, *, path: Sequence[str]) -> None:
        self.text = text
        super().__init__(f"{text!r} is no number. Write it with a point and without other signs: 1234.50.", path=path)


class NoTime(InvalidInput):
    """A cell should hold a moment and does not."""

    code = "INVALID_TIME"

    def __init__(self, text: str, *, path: Sequence[str]) -> None:
        self.text = text
        super().__init__(f"{text!r} is no time. Write it as ISO 8601 says: 2026-03-01T10:30:00Z.", path=path)


class UnknownCustomer(ExpectedError):
    """A row is about somebody whom nobody knows."""

    code = "NOT_FOUND"

    def __init__(self, name: str, *, can_be_created: bool) -> None:
        self.name = name
        create = ", or have customers created" if can_be_created else ""
        super().__init__(f"There is no customer with the {name}. Import customers first{create}.")


class ImportOvertaken(ExpectedError):
    """Somebody else imports the same file at this moment."""

    code = "CONFLICT"

    def __init__(self, file_name: str) -> None:
        self.file_name = file_name
        super().__init__(
            f"Another process is importing {file_name} at this moment. Let it finish; nothing was written twice."
        )
