"""In which time zones a customer may be."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Text, func, select
from sqlmodel import col

from regulars.contact.models import ZoneCandidate
from regulars.contact.needs import need_value
from regulars.contact.requests import ContactPolicy
from regulars.customers.models import Customer

__all__ = ["ZONES", "CustomerZones"]


@dataclass(frozen=True)
class CustomerZones:
    """The zones in which the customer may be: one that is known, or several candidates, or none."""

    names: tuple[str, ...]

    @property
    def are_assumed(self) -> bool:
        """Tell whether nothing is known, so that the company's own zone stands in."""
        return not self.names

    def or_of(self, policy: ContactPolicy) -> Sequence[str]:
        """Return the zones that count: all that the customer may be in, else the policy's."""
        return self.names or (policy.default_tz,)


def _zones(told: str | None) -> CustomerZones:
    return CustomerZones(tuple(sorted(told.split(","))) if told else ())


_candidates = (
    select(func.aggregate_strings(col(ZoneCandidate.time_zone), ","))
    .where(col(ZoneCandidate.customer_id) == Customer.id)
    .correlate(Customer)
    .scalar_subquery()
)

ZONES = need_value(func.coalesce(col(Customer.time_zone), _candidates, type_=Text), read=_zones)
"""The need of rules that look at the customer's clock."""
