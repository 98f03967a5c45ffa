"""What each type of touchpoint may tell beyond who, when, where and how much."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PlainSerializer, StringConstraints
from pydantic.alias_generators import to_camel

from regulars.checks import WHOLE_DIGITS
from regulars.tables import AMOUNT_SCALE

__all__ = [
    "Acquisition",
    "Case",
    "CaseSolved",
    "Complaint",
    "Group",
    "Marketing",
    "Order",
    "OrderLine",
    "Page",
    "Payload",
    "Refund",
    "Screen",
    "Service",
    "Subscription",
    "SubscriptionEnded",
    "SurveyResponse",
    "Track",
    "Unsubscribe",
    "Visit",
]


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


Number = Annotated[
    Decimal,
    Field(max_digits=WHOLE_DIGITS + AMOUNT_SCALE, decimal_places=AMOUNT_SCALE, allow_inf_nan=False),
    # One spelling for equal numbers, so that the same touchpoint sent twice is the same.
    PlainSerializer(_plain, return_type=str, when_used="json"),
]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Properties = dict[str, JsonValue]


class Payload(BaseModel):
    """The base of every payload: unknown keys are refused; keys may be written as `caseId` or as `case_id`.

    What is left out or has its default is not stored.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="forbid",
        frozen=True,
        defer_build=True,  # a server may see few types
    )


class OrderLine(Payload):
    """One product of an order, in the touchpoint's currency.

    ``margin`` is what the line earned after the cost of its goods.
    """

    product: Text
    category: Text | None = None
    quantity: Number = Field(default=Decimal(1), gt=0)
    amount: Number
    margin: Number | None = None


class Order(Payload):
    """What was bought. ``margin`` is what the whole order earned, for sources that do not know it by line."""

    lines: tuple[OrderLine, ...] = ()
    margin: Number | None = None
    coupon: Text | None = None


class RefundLine(OrderLine):
    """One product that was given back; its amount is negative or zero."""

    amount: Number = Field(le=0)


class Refund(Payload):
    """What was given back. ``order`` is the external id of the order that it belongs to."""

    order: Text | None = None
    lines: tuple[RefundLine, ...] = ()
    reason: Text | None = None


class Visit(Payload):
    """Where the customer was."""

    venue: Text | None = None
    table: Text | None = None
    party_size: int | None = Field(default=None, ge=1)


class Service(Payload):
    """Something that was done for the customer."""

    case_id: Text | None = None
    subject: Text | None = None
    minutes: Number | None = Field(default=None, ge=0)


class Marketing(Payload):
    """A message or an advertisement that reached the customer."""

    campaign: Text | None = None
    topic: Text | None = None
    message: Text | None = None


class Acquisition(Payload):
    """How the customer came."""

    campaign: Text | None = None
    medium: Text | None = None
    referrer: Text | None = None


class Case(Payload):
    """A service case that was opened."""

    case_id: Text
    subject: Text | None = None
    category: Text | None = None


class CaseSolved(Case):
    """A service case that was solved."""

    solution: Text | None = None


class Complaint(Payload):
    """Something that the customer was unhappy with."""

    case_id: Text | None = None
    subject: Text | None = None
    category: Text | None = None


class Unsubscribe(Payload):
    """That the customer left a list elsewhere; the withdrawal itself stands in the ledger of consents."""

    campaign: Text | None = None
    topic: Text | None = None
    reason: Text | None = None


class SurveyResponse(Payload):
    """What the customer answered; ``best`` is the highest score that could be given."""

    survey: Text
    question: Text | None = None
    score: Number | None = None
    best: Number | None = None
    answers: Properties = Field(default_factory=dict)


class Subscription(Payload):
    """A subscription that began or went on."""

    subscription: Text | None = None
    plan: Text | None = None
    months: int | None = Field(default=None, ge=1)


class SubscriptionEnded(Subscription):
    """A subscription that ended."""

    reason: Text | None = None


class Page(Payload):
    """A page that was looked at."""

    name: Text | None = None
    category: Text | None = None
    properties: Properties = Field(default_factory=dict)


class Screen(Page):
    """A screen of an app that was looked at."""


class Track(Payload):
    """Something that the customer did on a site or in an app."""

    event: Text
    properties: Properties = Field(default_factory=dict)


class Group(Payload):
    """A company, team or account that the customer belongs to."""

    group_id: Text
    traits: Properties = Field(default_factory=dict)
