"""Say which types of events are wanted: types as they are, ``customer.*`` for all that begin so, ``*`` for all."""

import re
from collections.abc import Collection, Sequence

from sqlalchemy import or_, true
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.elements import ColumnElement

from regulars.errors import InvalidInput

__all__ = ["ALL", "TEST_EVENT", "check_event_types", "is_wanted", "wanted_types"]

ALL = "*"

TEST_EVENT = "webhook.test"
"""Goes to the one webhook that is tested, whatever that asks for."""

PATTERN = re.compile(r"\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?")
MOST = 100
LONGEST = 100


def check_event_types(given: Sequence[str], *, path: str) -> list[str]:
    """Return the types without repetitions, in order.

    Raises ``InvalidInput`` about the argument ``path`` for none, too many, or a wrong form.
    """
    types = list(dict.fromkeys(given))
    if not types or len(types) > MOST:
        raise InvalidInput(f"Name 1 to {MOST} types of events; '*' means all of them.", path=(path,))
    for type in types:
        if len(type) > LONGEST or not PATTERN.fullmatch(type):
            raise InvalidInput(
                f"{type[:LONGEST]!r} names no type of event. Write customer.created, customer.* or *.",
                path=(path,),
            )
    return types


def is_wanted(event_type: str, wanted: Collection[str]) -> bool:
    """Tell whether one of the wanted types is this one, or its beginning."""
    if event_type == TEST_EVENT:
        return False
    if ALL in wanted or event_type in wanted:
        return True
    parts = event_type.split(".")
    return any(".".join([*parts[:length], "*"]) in wanted for length in range(1, len(parts)))


def wanted_types(column: Mapped[str], wanted: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a type is wanted, save for ``TEST_EVENT``."""
    if ALL in wanted:
        return true()
    beginnings = [type.removesuffix(ALL) for type in wanted if type.endswith(ALL)]
    return or_(column.in_(wanted), *(column.startswith(start, autoescape=True) for start in beginnings))
