"""Invent what a purchase history does not tell: how people came, what they gave back, what they cost and allowed.

It is drawn so that there is something to find: a cheap channel whose customers rarely come back, and a few customers
who cost more than they bring.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from regulars.consents.changes import ConsentChange
from regulars.demo.people import Person, invent_person
from regulars.demo.purchases import Purchase
from regulars.touchpoints.drafts import TouchpointDraft

__all__ = ["CURRENCY", "INVENTED", "DemoCustomer", "invent_customer"]

CURRENCY = "USD"
INVENTED = "invented"
"""The source of every touchpoint that did not happen."""

NOTICE_VERSION = "invented-1"
REFUND_CHANCE, REFUND_CHANCE_OF_COUPONS = 0.025, 0.07
QUESTION_CHANCE = 0.1
COSTLY_CHANCE = 0.02
CONSENT_CHANCE, WITHDRAWAL_CHANCE = 0.06, 0.25
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Way:
    """A way in which people come: its channel, what it costs for each, and how often repeaters and others take it."""

    medium: str
    channel: str | None
    cost: str
    share_of_repeaters: int
    share_of_others: int


COUPONS = Way("coupon site", "web", "0.90", share_of_repeaters=8, share_of_others=38)
WAYS = (
    COUPONS,
    Way("search", "web", "3.60", share_of_repeaters=30, share_of_others=26),
    Way("radio", None, "4.70", share_of_repeaters=17, share_of_others=20),
    Way("music magazine", "post", "5.80", share_of_repeaters=25, share_of_others=10),
    Way("a friend's word", "in_person", "0.00", share_of_repeaters=20, share_of_others=6),
)
QUESTIONS = ("Where is my order?", "The case is broken", "Wrong album", "How do I pay?")


@dataclass(frozen=True, slots=True)
class DemoCustomer:
    """A customer as the demo knows them: the history's name for them, and all that is to be written."""

    id: UUID
    name: str
    person: Person
    touchpoints: tuple[TouchpointDraft, ...]
    consents: tuple[ConsentChange, ...]


def invent_customer(
    name: str, purchases: Sequence[Purchase], *, id: UUID, source: str, last_day: date, zone: ZoneInfo
) -> DemoCustomer:
    """Return a customer with these purchases, the oldest first, and inventions around them.

    ``source`` is where the purchases come from. The same ``name`` gets the same inventions. Nothing happens after
    ``last_day``; days begin in ``zone``.
    """
    around = _Inventions(name, id, last_day, zone)
    person = invent_person(around.chance, customer=name)
    way = around.way(is_repeater=len(purchases) > 1)
    orders = [around.order(number, purchase, source) for number, purchase in enumerate(purchases, start=1)]
    touchpoints = [
        around.acquisition(way, before=orders[0].occurred_at),
        *orders,
        *around.refunds(orders, way),
        *around.services(purchases[0].day),
    ]
    return DemoCustomer(id, name, person, tuple(touchpoints), tuple(around.consents(purchases[0].day)))


class _Inventions:
    """Draws for one customer."""

    def __init__(self, name: str, id: UUID, last_day: date, zone: ZoneInfo) -> None:
        self.chance = Random(f"regulars demo {name}")  # noqa: S311  no secrets
        self._name, self._id, self._last_day, self._zone = name, id, last_day, zone

    def way(self, *, is_repeater: bool) -> Way:
        shares = [way.share_of_repeaters if is_repeater else way.share_of_others for way in WAYS]
        return self.chance.choices(WAYS, shares)[0]

    def order(self, number: int, purchase: Purchase, source: str) -> TouchpointDraft:
        return TouchpointDraft(
            customer_id=self._id,
            type="order",
            occurred_at=self._moment(purchase.day, first_hour=9, last_hour=20),
            source=source,
            external_id=f"{self._name}-{number}",
            channel="web",
            amount=purchase.amount,
            currency=CURRENCY,
        )

    def acquisition(self, way: Way, *, before: datetime) -> TouchpointDraft:
        return TouchpointDraft(
            customer_id=self._id,
            type="acquisition",
            occurred_at=before - timedelta(minutes=self.chance.randint(3, 50)),
            source=INVENTED,
            external_id=f"{self._name}-acquisition",
            channel=way.channel,
            cost=Decimal(way.cost),
            currency=CURRENCY,
            payload={"medium": way.medium},
        )

    def refunds(self, orders: Sequence[TouchpointDraft], way: Way) -> Iterator[TouchpointDraft]:
        likelihood = REFUND_CHANCE_OF_COUPONS if way is COUPONS else REFUND_CHANCE
        for order in orders:
            if not order.amount or self.chance.random() >= likelihood:
                continue
            day = order.occurred_at.astimezone(self._zone).date() + timedelta(days=self.chance.randint(2, 20))
            share = self.chance.choice((Decimal(1), Decimal(1), Decimal("0.5")))
            yield TouchpointDraft(
                customer_id=self._id,
                type="refund",
                occurred_at=self._moment(day, first_hour=21, last_hour=22),
                source=INVENTED,
                external_id=f"{order.external_id}-refund",
                channel="web",
                amount=min(-(order.amount * share).quantize(CENT), -CENT),
                currency=CURRENCY,
                payload={"order": order.external_id, "reason": "sent back"},
            )

    def services(self, since: date) -> Iterator[TouchpointDraft]:
        is_costly = self.chance.random() < COSTLY_CHANCE
        has_question = self.chance.random() < QUESTION_CHANCE
        times = self.chance.randint(12, 30) if is_costly else int(has_question)
        days = max((self._last_day - since).days, 1)
        for number in range(1, times + 1):
            minutes = self.chance.randint(4, 25)
            yield TouchpointDraft(
                customer_id=self._id,
                type="service",
                occurred_at=self._moment(
                    since + timedelta(days=self.chance.randint(1, days)), first_hour=9, last_hour=17
                ),
                source=INVENTED,
                external_id=f"{self._name}-service-{number}",
                channel=self.chance.choice(("voice", "email")),
                cost=(minutes * Decimal("0.55")).quantize(CENT),
                currency=CURRENCY,
                payload={"subject": self.chance.choice(QUESTIONS), "minutes": minutes},
            )

    def consents(self, since: date) -> Iterator[ConsentChange]:
        if self.chance.random() >= CONSENT_CHANCE:
            return
        purpose = self.chance.choice(("marketing.own", "marketing.own", "profiling", "research"))
        granted_at = self._moment(since, first_hour=21, last_hour=22)
        yield ConsentChange(
            customer_id=self._id,
            action="grant",
            purpose=purpose,
            channel="email",
            reason="Invented for the demo",
            at=granted_at,
            origin="import",
            evidence={"kind": INVENTED},
            notice_version=NOTICE_VERSION,
            language="en",
        )
        if self.chance.random() < WITHDRAWAL_CHANCE:
            yield ConsentChange(
                customer_id=self._id,
                action="withdraw",
                purpose=purpose,
                channel="email",
                reason="Invented for the demo",
                at=granted_at + timedelta(days=self.chance.randint(0, max((self._last_day - since).days - 1, 0))),
                origin="customer",
                evidence={"kind": INVENTED},
            )

    def _moment(self, day: date, *, first_hour: int, last_hour: int) -> datetime:
        of_day = time(self.chance.randint(first_hour, last_hour), self.chance.randint(0, 59))
        return datetime.combine(min(day, self._last_day), of_day, self._zone).astimezone(UTC)
