"""What an operation costs, before it runs, as a function of its variables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from regulars.graphql.documents.refusals import PageSizeRefused, QueryTooExpensive, SizeUnknown, TooManyNodes

__all__ = ["ListLength", "OperationPrice", "PageSize", "Price", "Reading", "Size", "Term", "page_size_within"]


@dataclass(slots=True)
class Price:
    """What an operation asks for: ``requested`` in points, ``nodes`` in objects that the answer may hold."""

    requested: int
    nodes: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a value stands among the variables: in one of them, or under a key of the object in it.

    ``without_variable`` and ``without_key`` hold what counts when these are absent.
    """

    argument: str
    variable: str
    without_variable: object
    key: str | None = None
    without_key: object = None

    def value(self, variables: Mapping[str, object]) -> object:
        """Return what the variable holds, ``None`` when it is null."""
        if self.variable not in variables:
            return self.without_variable
        value = variables[self.variable]
        if self.key is None or value is None:
            return value
        if not isinstance(value, Mapping):
            raise SizeUnknown(self.argument, expected="an object")
        return value.get(self.key, self.without_key)


@dataclass(frozen=True, slots=True)
class PageSize:
    """The number of rows of a page: the largest of what is known and what is read, else the ordinary size."""

    known: int | None
    readings: tuple[Reading, ...]
    ordinary: int
    largest: int

    def given(self, variables: Mapping[str, object]) -> int:
        """Return the rows asked for; raises ``PageSizeRefused`` and ``SizeUnknown``."""
        sizes = [] if self.known is None else [self.known]
        for reading in self.readings:
            size = page_size_within(reading.value(variables), argument=reading.argument, largest=self.largest)
            if size is not None:
                sizes.append(size)
        return max(sizes, default=self.ordinary)


@dataclass(frozen=True, slots=True)
class ListLength:
    """The number of rows that a list of references asks for."""

    reading: Reading

    def given(self, variables: Mapping[str, object]) -> int:
        """Return the length of the list; one value stands for a list of one, as everywhere in GraphQL."""
        value = self.reading.value(variables)
        if value is None:
            return 0
        return len(value) if isinstance(value, list | tuple) else 1


Size: TypeAlias = int | PageSize | ListLength


@dataclass(frozen=True, slots=True)
class Term:
    """A part of the price: points and nodes, each times all of the sizes."""

    sizes: tuple[PageSize | ListLength, ...]
    points: int
    nodes: int


@dataclass(frozen=True, slots=True)
class OperationPrice:
    """The price of one operation, compiled: kept with its plan, evaluated on every request.

    ``sizes`` are all that variables decide, also those that no term needs: they must be in range all the same.
    """

    subject: str
    sizes: frozenset[PageSize | ListLength]
    terms: Sequence[Term]
    cost_limit: int
    node_limit: int

    def price(self, variables: Mapping[str, object], *, cost_limit: int | None = None) -> Price:
        """Return what the operation asks for with these variables, as sent or as coerced.

        ``cost_limit`` in points is what this actor may spend on it, the compiled limit when ``None``.
        Fields under ``@skip`` and ``@include`` count as included.
        Raises ``QueryTooExpensive``, ``TooManyNodes``, ``PageSizeRefused`` and ``SizeUnknown``.
        """
        known = {size: size.given(variables) for size in self.sizes}
        points = nodes = 0
        for term in self.terms:
            times = 1
            for size in term.sizes:
                times *= known[size]
            points += term.points * times
            nodes += term.nodes * times
        allowed = self.cost_limit if cost_limit is None else cost_limit
        if points > allowed:
            raise QueryTooExpensive(self.subject, actual=points, allowed=allowed)
        if nodes > self.node_limit:
            raise TooManyNodes(self.subject, actual=nodes, allowed=self.node_limit)
        return Price(points, nodes)


def page_size_within(value: object, *, argument: str, largest: int) -> int | None:
    """Return the page size that a value means, ``None`` for null.

    Raises ``PageSizeRefused`` unless it is between 1 and ``largest``, ``SizeUnknown`` unless it is a whole number.
    """
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise SizeUnknown(argument, expected=f"a whole number between 1 and {largest}")
    if not 1 <= value <= largest:
        raise PageSizeRefused(argument, size=value, largest=largest)
    return value
