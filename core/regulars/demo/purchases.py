"""What a purchase history says: who bought, on which day, for how much."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

__all__ = ["Purchase", "by_customer", "ending_on"]


@dataclass(frozen=True, slots=True)
class Purchase:
    """One purchase of a customer; the amount is in US dollars."""

    customer: str
    day: date
    amount: Decimal


def ending_on(purchases: Sequence[Purchase], last_day: date) -> list[Purchase]:
    """Return the purchases moved in time together, so that the newest happened on ``last_day``."""
    shift = last_day - max(purchase.day for purchase in purchases)
    return [replace(purchase, day=purchase.day + shift) for purchase in purchases]


def by_customer(purchases: Iterable[Purchase]) -> dict[str, list[Purchase]]:
    """Return each customer's purchases, the oldest first, in the order of the customers' names."""
    found: dict[str, list[Purchase]] = {}
    for purchase in sorted(purchases, key=lambda one: (one.customer, one.day)):
        found.setdefault(purchase.customer, []).append(purchase)
    return found
