"""How much somebody may ask in a while: a leaky bucket each, without a database and without a clock of its own."""

import ipaddress
import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from regulars.access.actors import Actor
from regulars.access.refusals import AllowanceSpent

__all__ = ["Allowance", "Allowances", "Balance", "address_payer", "payer_of"]

NETWORK_BITS = 64
"""Whoever has one IPv6 address usually has all that share these bits."""


@dataclass(frozen=True)
class Allowance:
    """``burst`` points at once, of which ``per_second`` come back each second."""

    burst: float
    per_second: float


@dataclass(slots=True)
class Balance:
    """What is left of an allowance: whole points, and the seconds until all of it is back."""

    allowance: Allowance
    points: int
    full_in_s: int


@dataclass(slots=True)
class _Account:
    owed: float
    at: datetime


class Allowances:
    """Counts what each payer owes, in this process alone; ``capacity`` is how many payers it remembers.

    A charge above the burst is let in when nothing is owed, and is then paid back before anything else is let in.
    Whoever was not seen for the longest time is forgotten first.
    """

    def __init__(self, allowance: Allowance, *, capacity: int = 100_000) -> None:
        self.allowance = allowance
        self._capacity = capacity
        self._accounts: OrderedDict[str, _Account] = OrderedDict()

    def charge(self, payer: str, points: float, *, now: datetime) -> Balance:
        """Take points from a payer and return what is left.

        Raises ``AllowanceSpent`` with the seconds to wait; then nothing was taken.
        """
        account = self._account(payer, now)
        missing = account.owed + min(points, self.allowance.burst) - self.allowance.burst
        if missing > 0:
            raise AllowanceSpent(
                burst=self.allowance.burst,
                per_second=self.allowance.per_second,
                wait_s=math.ceil(missing / self.allowance.per_second),
            )
        account.owed += points
        return self._balance(account)

    def give_back(self, payer: str, points: float, *, now: datetime) -> None:
        """Return points to a payer who turned out not to owe them."""
        account = self._account(payer, now)
        account.owed = max(0.0, account.owed - points)

    def balance(self, payer: str, *, now: datetime) -> Balance:
        """Return what is left to a payer."""
        return self._balance(self._account(payer, now))

    def _account(self, payer: str, now: datetime) -> _Account:
        account = self._accounts.get(payer)
        if account is None:
            account = self._accounts[payer] = _Account(0.0, now)
            if len(self._accounts) > self._capacity:
                self._accounts.popitem(last=False)
            return account
        self._accounts.move_to_end(payer)
        # A clock that was set back gives nothing back.
        passed_s = max(0.0, (now - account.at).total_seconds())
        account.owed = max(0.0, account.owed - passed_s * self.allowance.per_second)
        account.at = now
        return account

    def _balance(self, account: _Account) -> Balance:
        return Balance(
            self.allowance,
            points=max(0, math.floor(self.allowance.burst - account.owed)),
            full_in_s=math.ceil(account.owed / self.allowance.per_second),
        )


def payer_of(actor: Actor, address: str | None) -> str:
    """Return who pays for a request: the key, else the person, else the address that it came from."""
    if actor.key_label is not None:
        return actor.key_label
    return address_payer(address) if actor.id is None else actor.label


def address_payer(address: str | None) -> str:
    """Return who pays for requests from this address; all of one IPv6 network pay together."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "address:unknown"
    if found.version == 4:
        return f"address:{found}"
    mapped = found.ipv4_mapped
    if mapped is not None:
        return f"address:{mapped}"
    return f"address:{ipaddress.ip_network((found, NETWORK_BITS), strict=False)}"
