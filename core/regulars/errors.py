"""The errors that Regulars raises on purpose.

RegularsError
├── ExpectedError            the caller can do something about it; becomes a `UserError` with a stable code
│   ├── NotFound
│   ├── InvalidInput
│   │   ├── UnknownValue
│   │   └── OutOfRange
│   ├── Conflict
│   ├── NotUnique
│   ├── ForbiddenTransition
│   └── Forbidden
└── ConfigurationError       the operator must change a setting or a plugin before the server can start
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

__all__ = [
    "ConfigurationError",
    "Conflict",
    "ExpectedError",
    "Forbidden",
    "ForbiddenTransition",
    "InvalidInput",
    "NotFound",
    "NotUnique",
    "OutOfRange",
    "RegularsError",
    "UnknownValue",
]


class RegularsError(Exception):
    """The root of everything that Regulars raises itself."""

    code = "ERROR"


class ExpectedError(RegularsError):
    """A situation that can happen in a healthy system and that its caller can act upon."""

    path: Sequence[str] = ()
    conflicting_id: str | None = None


class NotFound(ExpectedError):
    """Something was named that does not exist, or that the caller may not see."""

    code = "NOT_FOUND"

    def __init__(self, kind: str, reference: object, *, path: Sequence[str] = ()) -> None:
        self.kind, self.reference, self.path = kind, reference, path
        super().__init__(f"There is no {kind} {reference}. Check the id, or whether it was deleted.")


class InvalidInput(ExpectedError):
    """A value does not have the form that it must have."""

    code = "INVALID"

    def __init__(self, message: str, *, path: Sequence[str] = ()) -> None:
        self.path = path
        super().__init__(message)


class UnknownValue(InvalidInput):
    """A word was used that no registry knows."""

    code = "UNKNOWN_VALUE"

    def __init__(self, kind: str, value: object, known: Iterable[str], *, path: Sequence[str] = ()) -> None:
        self.kind, self.value, self.known = kind, value, sorted(known)
        near = get_close_matches(str(value), self.known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(self.known) or 'none yet'}."
        super().__init__(f"{value!r} is no known {kind}.{hint}", path=path)


class OutOfRange(InvalidInput):
    """A number lies outside the range that makes sense."""

    code = "OUT_OF_RANGE"


class Conflict(ExpectedError):
    """The thing has changed since the caller last saw it."""

    code = "CONFLICT"

    def __init__(self, kind: str, reference: object, *, expected: int, actual: int) -> None:
        self.kind, self.reference, self.expected, self.actual = kind, reference, expected, actual
        self.path = ("expectedVersion",)
        super().__init__(
            f"{kind.capitalize()} {reference} is at version {actual}, not {expected}."
            " Read it again and repeat your change."
        )


class NotUnique(ExpectedError):
    """A value that must be unique is already taken."""

    code = "UNIQUE"

    def __init__(self, message: str, *, conflicting_id: str | None = None, path: Sequence[str] = ()) -> None:
        self.conflicting_id, self.path = conflicting_id, path
        super().__init__(message)


class ForbiddenTransition(ExpectedError):
    """The thing is in a state from which this step cannot be taken."""

    code = "FORBIDDEN_TRANSITION"

    def __init__(self, message: str, *, path: Sequence[str] = ()) -> None:
        self.path = path
        super().__init__(message)


class Forbidden(ExpectedError):
    """The actor lacks a permission."""

    code = "FORBIDDEN"

    def __init__(self, permission: str) -> None:
        self.permission = permission
        super().__init__(
            f"This needs the permission {permission}."
            " Send a key that has it, or ask an admin for a key or a role that has it."
        )


class ConfigurationError(RegularsError):
    """The server cannot start or go on as it is configured."""

    code = "CONFIGURATION"
