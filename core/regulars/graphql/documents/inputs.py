"""Refuse input values that no field takes and that would hurt whoever reads them."""

import math
from collections.abc import Iterable, Mapping

from graphql import (
    FloatValueNode,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NonNullTypeNode,
    ObjectValueNode,
    StringValueNode,
    TypeNode,
    ValueNode,
)

from regulars.graphql.documents.refusals import InputRefused

__all__ = [
    "MAX_DIGITS",
    "MAX_INPUT_DEPTH",
    "MAX_INPUT_VALUES",
    "check_literal",
    "check_text",
    "check_type",
    "check_variables",
]

MAX_INPUT_DEPTH = 32
MAX_INPUT_VALUES = 20_000
MAX_DIGITS = 40

_LARGEST = 10**MAX_DIGITS


def check_literal(value: ValueNode) -> None:
    """Refuse a value in a document that is nested too deeply, a number that is too long, or text that none can store.

    Raises ``InputRefused``. Takes time linear in the value and never recurses.
    """
    waiting: list[tuple[ValueNode, int]] = [(value, 1)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, ListValueNode | ObjectValueNode):
            _check_depth(depth)
            inner = node.values if isinstance(node, ListValueNode) else [field.value for field in node.fields]
            waiting.extend((child, depth + 1) for child in inner)
        elif isinstance(node, IntValueNode | FloatValueNode):
            _check_digits(len(node.value) <= MAX_DIGITS)
        elif isinstance(node, StringValueNode):
            check_text(node.value)


def check_type(type_node: TypeNode) -> None:
    """Refuse the type of a variable that is a list of lists of lists, and so on."""
    depth = 0
    while isinstance(type_node, ListTypeNode | NonNullTypeNode):
        depth += 1
        _check_depth(depth)
        type_node = type_node.type


def check_text(text: str) -> None:
    """Refuse a text that holds U+0000 or half of a surrogate pair.

    Raises ``InputRefused``.
    """
    if "\x00" in text:
        raise InputRefused("A text contains the character U+0000.", remedy="Remove it; databases cannot store it.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InputRefused(
                "A text contains half of a surrogate pair, which is no character.", remedy="Remove it."
            ) from error


def check_variables(variables: Mapping[str, object]) -> None:
    """Refuse JSON values that are nested too deeply, too many, or numbers or text that no database stores.

    Raises ``InputRefused``. Looks at ``MAX_INPUT_VALUES`` values at most and never recurses.
    """
    waiting: list[tuple[Iterable[object], int]] = [(variables.values(), 1)]
    seen = 0
    while waiting:
        values, depth = waiting.pop()
        for value in values:
            seen += 1
            if seen > MAX_INPUT_VALUES:
                raise InputRefused(
                    f"The variables or extensions hold more than {MAX_INPUT_VALUES:,} values.",
                    remedy="Send several requests, or import a file.",
                )
            if isinstance(value, str):
                check_text(value)
            elif isinstance(value, Mapping):
                _check_depth(depth)
                for name in value:
                    check_text(name)
                waiting.append((value.values(), depth + 1))
            elif isinstance(value, list):
                _check_depth(depth)
                waiting.append((value, depth + 1))
            elif isinstance(value, float):
                _check_digits(math.isfinite(value))
            elif isinstance(value, int):
                _check_digits(-_LARGEST < value < _LARGEST)


def _check_depth(depth: int) -> None:
    if depth > MAX_INPUT_DEPTH:
        raise InputRefused(
            f"An input value is nested more than {MAX_INPUT_DEPTH} levels deep.",
            remedy="No field takes this; send a flatter value.",
        )


def _check_digits(is_short: bool) -> None:
    if not is_short:
        raise InputRefused(
            f"A number is too large, or written with more than {MAX_DIGITS} characters.",
            remedy="Send a shorter number, or an id as a string.",
        )
