"""Tell "leave it as it is" apart from "clear it"."""

from enum import Enum
from typing import Final

__all__ = ["UNSET", "Unset"]


class Unset(Enum):
    """The type of ``UNSET``, so that a type checker knows the value away."""

    UNSET = "unset"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset.UNSET
"""A value that was not given: the thing keeps what it has. ``None`` clears."""
