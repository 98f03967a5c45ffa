"""The reasons for which a GraphQL document is refused before it runs.

ExpectedError
└── DocumentRefused
    ├── SyntaxRefused, NestingRefused, OperationNotFound, OperationNameRequired, FragmentCycle
    ├── PageSizeRefused, SizeUnknown, InputRefused, IntrospectionRefused
    └── LimitExceeded
        ├── DocumentTooLarge, TooManyTokens, TooManySelections, TooManyComparisons
        ├── QueryTooDeep, TooManyAliases, TooManyDirectives, TooManyRootFields, TooManyMutations
        └── QueryTooExpensive, TooManyNodes
"""

from collections.abc import Sequence
from typing import ClassVar

from regulars.errors import ExpectedError

__all__ = [
    "DocumentRefused",
    "DocumentTooLarge",
    "FragmentCycle",
    "InputRefused",
    "IntrospectionRefused",
    "LimitExceeded",
    "NestingRefused",
    "OperationNameRequired",
    "OperationNotFound",
    "PageSizeRefused",
    "QueryTooDeep",
    "QueryTooExpensive",
    "SizeUnknown",
    "SyntaxRefused",
    "TooManyAliases",
    "TooManyComparisons",
    "TooManyDirectives",
    "TooManyMutations",
    "TooManyNodes",
    "TooManyRootFields",
    "TooManySelections",
    "TooManyTokens",
]

_COUNTED_UP_TO = 10**12
_SHOWN_CHARACTERS = 40


class DocumentRefused(ExpectedError):
    """A GraphQL document will not be run; ``locations`` holds lines and columns, both from 1."""

    code = "DOCUMENT_REFUSED"
    locations: Sequence[tuple[int, int]] = ()


class SyntaxRefused(DocumentRefused):
    """The document is not GraphQL."""

    code = "SYNTAX_ERROR"

    def __init__(self, problem: str, *, locations: Sequence[tuple[int, int]] = ()) -> None:
        self.problem, self.locations = problem, locations
        place = f" at line {locations[0][0]}, column {locations[0][1]}" if locations else ""
        super().__init__(f"The document is not valid GraphQL{place}: {problem} Correct it and send it again.")


class NestingRefused(DocumentRefused):
    """The document is nested so deeply that reading it was given up."""

    code = "QUERY_TOO_DEEP"

    def __init__(self) -> None:
        super().__init__("The document is nested too deeply to be read. Ask for the inner part by itself.")


class OperationNotFound(DocumentRefused):
    """The operation that was asked for is not in the document."""

    code = "OPERATION_NOT_FOUND"

    def __init__(self, operation_name: str | None) -> None:
        self.operation_name = operation_name
        what = "no operation" if operation_name is None else f"no operation named {_shown(operation_name)}"
        super().__init__(f"The document has {what}. Send a query or mutation, with its own operationName if any.")


class OperationNameRequired(DocumentRefused):
    """The document holds several operations and none was chosen."""

    code = "OPERATION_NAME_REQUIRED"

    def __init__(self, operations: int) -> None:
        self.operations = operations
        super().__init__(f"The document has {operations} operations. Say in operationName which one to run.")


class FragmentCycle(DocumentRefused):
    """A fragment contains itself, so the selection would never end."""

    code = "FRAGMENT_CYCLE"

    def __init__(self, path: Sequence[str]) -> None:
        self.path_of_fragments = tuple(path)
        loop = " → ".join(_shown(name) for name in self.path_of_fragments[:10])
        super().__init__(f"Fragment {_shown(path[0])} contains itself ({loop}). Remove one of these spreads.")


class PageSizeRefused(DocumentRefused):
    """A page was asked for that is empty or too long."""

    code = "PAGE_SIZE_OUT_OF_RANGE"

    def __init__(self, argument: str, *, size: int, largest: int) -> None:
        self.argument, self.size, self.largest = argument, size, largest
        super().__init__(
            f"{argument} must be between 1 and {largest}; it is {_shown(size)}."
            " Ask for smaller pages and go on from pageInfo.endCursor."
        )


class SizeUnknown(DocumentRefused):
    """It cannot be told how many rows are asked for, so there is no price."""

    code = "SIZE_UNKNOWN"

    def __init__(self, argument: str, *, expected: str) -> None:
        self.argument, self.expected = argument, expected
        super().__init__(f"{argument} does not tell how many rows are wanted. Give it {expected}.")


class InputRefused(DocumentRefused):
    """An input value is longer, deeper or stranger than any field takes."""

    code = "INPUT_REFUSED"

    def __init__(self, problem: str, *, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(f"{problem} {remedy}")


class IntrospectionRefused(DocumentRefused):
    """The schema is asked for in a way that multiplies the answer."""

    code = "INTROSPECTION_REFUSED"

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"{problem} Send the standard introspection query, which every GraphQL client has.")


class LimitExceeded(DocumentRefused):
    """Something in the document is counted, and there is too much of it."""

    template: ClassVar[str]

    def __init__(self, subject: str, *, actual: int, allowed: int) -> None:
        self.subject, self.actual, self.allowed = subject, actual, allowed
        super().__init__(self.template.format(subject=subject, actual=_counted(actual), allowed=_counted(allowed)))


class DocumentTooLarge(LimitExceeded):
    """The text of the document takes too many bytes."""

    code = "DOCUMENT_TOO_LARGE"
    template = (
        "{subject} takes {actual} bytes; at most {allowed} are allowed. Pass values as variables, and split the rest."
    )


class TooManyTokens(LimitExceeded):
    """The document has too many words and signs, or too many comments."""

    code = "TOO_MANY_TOKENS"
    template = "{subject} has more than {allowed} words, signs or comments. Split it, or pass values as variables."


class TooManySelections(LimitExceeded):
    """Too many fields are selected once every fragment is put in its places."""

    code = "TOO_MANY_SELECTIONS"
    template = (
        "{subject} selects {actual} fields and fragments once each fragment is put in its places;"
        " at most {allowed} are allowed. Select less, or spread each fragment fewer times."
    )


class TooManyComparisons(LimitExceeded):
    """The same fields are selected again and again, which takes quadratic time to check."""

    code = "TOO_MANY_REPEATED_FIELDS"
    template = (
        "{subject} repeats fields or fragments so often that checking them takes {actual} comparisons;"
        " at most {allowed} are allowed. Select each field once."
    )


class QueryTooDeep(LimitExceeded):
    """Fields are nested too deeply."""

    code = "QUERY_TOO_DEEP"
    template = "{subject} is {actual} levels deep; at most {allowed} are allowed. Ask for the inner part by itself."


class TooManyAliases(LimitExceeded):
    """Too many fields are renamed."""

    code = "TOO_MANY_ALIASES"
    template = (
        "{subject} uses {actual} aliases; at most {allowed} are allowed. Ask for a list, or send several requests."
    )


class TooManyDirectives(LimitExceeded):
    """Too many directives are used."""

    code = "TOO_MANY_DIRECTIVES"
    template = "{subject} uses {actual} directives; at most {allowed} are allowed. Leave out what you do not need."


class TooManyRootFields(LimitExceeded):
    """Too many fields are asked for at the top."""

    code = "TOO_MANY_ROOT_FIELDS"
    template = "{subject} asks for {actual} fields at the top; at most {allowed} are allowed. Send several requests."


class TooManyMutations(LimitExceeded):
    """Too many changes are made in one request."""

    code = "TOO_MANY_MUTATIONS"
    template = (
        "{subject} makes {actual} changes; at most {allowed} are allowed. Send several requests, or a bulk mutation."
    )


class QueryTooExpensive(LimitExceeded):
    """The operation asks for more points than one request may spend."""

    code = "QUERY_TOO_EXPENSIVE"
    template = (
        "{subject} asks for {actual} points; at most {allowed} are allowed."
        " Ask for smaller pages (first, last), or for fewer lists inside lists."
    )


class TooManyNodes(LimitExceeded):
    """The operation asks for more rows than one answer may hold."""

    code = "TOO_MANY_NODES"
    template = (
        "{subject} asks for up to {actual} objects; at most {allowed} are allowed."
        " Ask for smaller pages (first, last), or for fewer lists inside lists."
    )


def _counted(number: int) -> str:
    return f"{number:,}" if number <= _COUNTED_UP_TO else f"more than {_COUNTED_UP_TO:,}"


def _shown(value: object) -> str:
    if isinstance(value, int) and abs(value) > _COUNTED_UP_TO:
        return f"{'below -' if value < 0 else 'above '}{_COUNTED_UP_TO:,}"
    text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
