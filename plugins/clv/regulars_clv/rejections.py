"""Rows and customers that are left out, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from regulars_clv.errors import TooManyRejected

__all__ = ["MOST_REJECTED", "ExcludedCustomer", "RejectedRow", "refuse_too_many"]

MOST_REJECTED = 0.01


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """One row of a file that is not used; ``line`` counts the header as 1."""

    line: int
    code: str


@dataclass(frozen=True, slots=True)
class ExcludedCustomer:
    """One customer whose rows are fine but who is no customer in the sense of the models."""

    customer_id: str
    code: str


def refuse_too_many(rejected: Sequence[RejectedRow], *, rows: int, allowed_share: float = MOST_REJECTED) -> None:
    """Raise ``TooManyRejected`` when more than ``allowed_share`` of the ``rows`` were rejected."""
    if len(rejected) > allowed_share * rows:
        raise TooManyRejected(rejected=len(rejected), rows=rows, allowed_share=allowed_share)
