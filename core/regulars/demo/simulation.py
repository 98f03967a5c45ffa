"""Simulate a purchase history as large as CDNOW's, for installations without the wheel that carries the real one."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from regulars.demo.purchases import Purchase

__all__ = ["simulated_purchases"]

# How often people buy and when they leave: BG/NBD, per week.
# Source: Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2), table 2.
RATE_SHAPE, RATE_SCALE, LEAVE_A, LEAVE_B = 0.243, 4.414, 0.793, 2.426
# How much they spend: Gamma-Gamma, in US dollars.
# Source: Fader and Hardie (2013), The Gamma-Gamma Model of Monetary Value, note 025.
SPEND_P, SPEND_Q, SPEND_SCALE = 6.25, 3.74, 15.44

FIRST_DAY = date(1997, 1, 1)
ARRIVAL_DAYS = 84
DAYS = 546
CENT = Decimal("0.01")


def simulated_purchases(*, customers: int = 2357, seed: int = 1997) -> list[Purchase]:
    """Return purchases over 78 weeks of customers named ``0001`` and on; the same seed gives the same purchases.

    Everybody buys for the first time in the first 12 weeks. Amounts are in US dollars.
    """
    chance = Random(seed)  # noqa: S311  no secrets
    names = [f"{number:04}" for number in range(1, customers + 1)]
    return [purchase for name in names for purchase in _purchases_of_one(chance, customer=name)]


def _purchases_of_one(chance: Random, *, customer: str) -> list[Purchase]:
    weekly_rate = chance.gammavariate(RATE_SHAPE, 1 / RATE_SCALE)
    leaves_after_each = chance.betavariate(LEAVE_A, LEAVE_B)
    spend_rate = chance.gammavariate(SPEND_Q, 1 / SPEND_SCALE)
    day = chance.uniform(0, ARRIVAL_DAYS)
    bought = []
    while day < DAYS:
        amount = Decimal(chance.gammavariate(SPEND_P, 1 / spend_rate)).quantize(CENT)
        bought.append(Purchase(customer, FIRST_DAY + timedelta(days=int(day)), amount))
        # In this model nobody leaves before their first repeat purchase.
        if len(bought) > 1 and chance.random() < leaves_after_each:
            break
        day += 7 * chance.expovariate(weekly_rate) if weekly_rate > 0 else DAYS
    return bought
