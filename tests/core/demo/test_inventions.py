from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from statistics import mean
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from regulars.demo.inventions import DemoCustomer, invent_customer
from regulars.demo.purchases import by_customer, ending_on
from regulars.demo.simulation import simulated_purchases
from regulars.touchpoints.drafts import TouchpointDraft, checked_draft
from regulars.touchpoints.types import core_touchpoint_types

LAST_DAY = date(2026, 3, 1)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MARGIN = Decimal("0.35")


@pytest.fixture(scope="module")
def customers() -> list[DemoCustomer]:
    histories = by_customer(ending_on(simulated_purchases(), LAST_DAY))
    return [
        invent_customer(
            name, purchases, id=UUID(int=int(name)), source="simulated", last_day=LAST_DAY, zone=ZoneInfo("Asia/Tokyo")
        )
        for name, purchases in histories.items()
    ]


@pytest.fixture(scope="module")
def touchpoints(customers: list[DemoCustomer]) -> list[TouchpointDraft]:
    return [touchpoint for customer in customers for touchpoint in customer.touchpoints]


def of_type(touchpoints: Sequence[TouchpointDraft], type: str) -> list[TouchpointDraft]:
    return [touchpoint for touchpoint in touchpoints if touchpoint.type == type]


def profit(customer: DemoCustomer) -> Decimal:
    return sum(((one.amount or 0) * MARGIN - (one.cost or 0) for one in customer.touchpoints), start=Decimal(0))


def profit_by_way(customers: Sequence[DemoCustomer], way: str) -> float:
    return mean(float(profit(one)) for one in customers if (one.touchpoints[0].payload or {})["medium"] == way)


def test_every_touchpoint_can_be_recorded(touchpoints: list[TouchpointDraft]) -> None:
    types = core_touchpoint_types()

    checked = [checked_draft(draft, types=types, now=NOW) for draft in touchpoints]

    assert len({(draft.source, draft.external_id) for draft in checked}) == len(touchpoints)


def test_nothing_happens_after_the_last_day(customers: list[DemoCustomer], touchpoints: list[TouchpointDraft]) -> None:
    end = datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Tokyo"))

    late = [touchpoint for touchpoint in touchpoints if touchpoint.occurred_at >= end]

    assert late == []
    assert [change for one in customers for change in one.consents if change.at is None or change.at >= end] == []


def test_about_three_of_a_hundred_orders_are_given_back(touchpoints: list[TouchpointDraft]) -> None:
    share = len(of_type(touchpoints, "refund")) / len(of_type(touchpoints, "order"))

    assert share == pytest.approx(0.03, abs=0.01)


def test_a_few_customers_cost_more_than_they_bring(customers: list[DemoCustomer]) -> None:
    share = sum(profit(customer) < 0 for customer in customers) / len(customers)

    assert 0.03 < share < 0.25


def test_the_cheap_channel_brings_the_worst_customers(customers: list[DemoCustomer]) -> None:
    others = ("search", "radio", "music magazine", "a friend's word")

    assert profit_by_way(customers, "coupon site") < min(profit_by_way(customers, way) for way in others) * 0.8


def test_some_allow_something_and_some_of_them_take_it_back(customers: list[DemoCustomer]) -> None:
    actions = [change.action for customer in customers for change in customer.consents]

    assert 80 < actions.count("grant") < 250
    assert 10 < actions.count("withdraw") < actions.count("grant") / 2


def test_the_same_customer_gets_the_same_inventions(customers: list[DemoCustomer]) -> None:
    history = by_customer(ending_on(simulated_purchases(), LAST_DAY))["0042"]

    again = invent_customer(
        "0042", history, id=UUID(int=42), source="simulated", last_day=LAST_DAY, zone=ZoneInfo("Asia/Tokyo")
    )

    assert again == customers[41]
