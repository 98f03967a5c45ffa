"""Compile a statement to text once, and tell afterwards which value stands in which place."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import BindParameter, Dialect, Select

from regulars.graphql.planner.parts import Written

__all__ = ["Compiled", "compile_statement"]

Convert = Callable[[Any], Any]
ReadValue = Callable[[Mapping[str, Any], Sequence[Written]], Any]


@dataclass(frozen=True)
class Compiled:
    """The text of a statement, and how each of its values is read from a request."""

    text: str
    readers: tuple[ReadValue, ...]

    @cached_property
    def hash(self) -> str:
        """Return a short name of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    def values(self, named: Mapping[str, Any], written: Sequence[Written]) -> tuple[Any, ...]:
        """Return the values of one request, in order, as the driver takes them."""
        return tuple([read(named, written) for read in self.readers])


def compile_statement(statement: Select[Any], dialect: Dialect, written: Sequence[Written]) -> Compiled:
    """Return a statement as text for one dialect.

    ``written`` are the parts that the statement was made with; requests whose parts have the same shapes can use it.
    """
    compiled: Any = statement.compile(dialect=dialect)
    text, names, expansions = _expanded(compiled)
    places = {bind: (part, number) for part, one in enumerate(written) for number, bind in enumerate(one.binds)}
    inside = {name: (whole, index) for whole, names_ in expansions.items() for index, name in enumerate(names_)}
    readers = []
    for name in names:
        known, index = inside.get(name, (name, None))
        bind: BindParameter[Any] = compiled.binds[known]
        convert: Convert | None = compiled._bind_processors.get(known)
        readers.append(_reader(bind, index, _place_of(bind, places), convert))
    return Compiled(text, tuple(readers))


def _expanded(compiled: Any) -> tuple[str, Sequence[str], Mapping[str, Sequence[str]]]:
    """Return the text with a place for each value of each list, the names of its places, and what became of lists."""
    if not compiled.post_compile_params:
        return compiled.string, compiled.positiontup or (), {}
    given = compiled.construct_params(escape_names=False, _no_postcompile=True, _check=False)
    state = compiled._process_parameters_for_postcompile(given)
    return state.statement, state.positiontup, state.parameter_expansion


def _place_of(bind: BindParameter[Any], places: Mapping[BindParameter[Any], tuple[int, int]]) -> tuple[int, int] | None:
    # A statement that was adapted to another source holds copies.
    return next((places[each] for each in bind._cloned_set if each in places), None)


def _reader(
    bind: BindParameter[Any], index: int | None, place: tuple[int, int] | None, convert: Convert | None
) -> ReadValue:
    if bind.required:
        key = bind.key
        if convert is None:
            return lambda named, written: named[key]
        return lambda named, written: convert(named[key])
    if place is None:
        given: Any = bind.value
        constant = given if index is None else given[index]
        constant = constant if convert is None else convert(constant)
        return lambda named, written: constant
    part, number = place
    if index is not None:
        return lambda named, written: _item(written[part].binds[number], index, convert)
    if convert is None:
        return lambda named, written: written[part].binds[number].value
    return lambda named, written: convert(written[part].binds[number].value)


def _item(bind: BindParameter[Any], index: int, convert: Convert | None) -> Any:
    items: Any = bind.value
    return items[index] if convert is None else convert(items[index])
