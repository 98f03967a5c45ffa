"""Read the cells of touchpoints, a column at a time, by the rules that hold for single touchpoints."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from regulars.checks import check_amount, check_moment, check_text
from regulars.customers.identities import Identity, read_identity
from regulars.errors import ExpectedError, InvalidInput
from regulars.ingest.memory import Fault, Judged
from regulars.ingest.problems import NamelessRow, NoNumber, NoTime
from regulars.ingest.staging import Encoder

__all__ = ["CustomerName", "Money", "TouchpointCells"]

NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?")
SURELY_AMOUNT = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,4})?")
SURELY_TEXT = re.compile(r"[!-~]{1,200}")
OCCURRED_AT = ("occurredAt",)
DIGITS_OF_HASH = 16
MOST_AMOUNTS = 20_000


CustomerName = Identity | UUID
"""How a row names its customer."""


class Money(NamedTuple):
    """An amount, or None: its value, its sign (-1, 0, 1), and its form for the driver."""

    value: Decimal | None = None
    sign: int | None = None
    stored: Any = None


_NAMELESS = Fault(NamelessRow(("customer_id", "customer_external_id", "email", "phone")))


class TouchpointCells:
    """Reads the cells of one file.

    ``encoders`` give values the form of the driver, by the column of the staging table. ``zone`` is that of times
    without one; without it such times are refused.
    """

    def __init__(self, *, file_hash: str, zone: ZoneInfo | None, encoders: Mapping[str, Encoder]) -> None:
        self._file_hash, self._zone, self._encoders = file_hash[:DIGITS_OF_HASH], zone, encoders
        self._names: Mapping[str, Judged[Any, CustomerName | None]] = {
            "customer_id": Judged(_customer_id),
            "customer_external_id": Judged(lambda given: _identity("external", *given)),
            "email": Judged(partial(_identity, "email")),
            "phone": Judged(partial(_identity, "phone")),
        }
        self._money = {field: Judged(self._judge_of_money(field), most=MOST_AMOUNTS) for field in ("amount", "cost")}
        self._sources = Judged(_source)
        self._keys = Judged(_key)

    def names(self, texts: Mapping[str, Sequence[str]]) -> Sequence[CustomerName | Fault]:
        """Return how each row names its customer: by the first of the columns for it that is filled."""
        systems = texts.get("customer_source", texts["source"])
        kinds = []
        for field, judged in self._names.items():
            if field in texts:
                given = zip(texts[field], systems, strict=True) if field == "customer_external_id" else texts[field]
                kinds.append(judged.each(given))
        if len(kinds) == 1:
            return [name or _NAMELESS for name in kinds[0]]
        return [next(filter(None, names), _NAMELESS) for names in zip(*kinds, strict=True)]

    def money(self, field: str, texts: Sequence[str]) -> Sequence[Money | Fault]:
        """Return the amounts, or the costs."""
        return self._money[field].each(texts)

    def sources(self, texts: Sequence[str]) -> Sequence[str | Fault]:
        """Return the systems that tell of the touchpoints."""
        return self._sources.each(texts)

    def external_ids(self, texts: Sequence[str], lines: Sequence[int]) -> Sequence[str | Fault]:
        """Return the external ids; a row without one gets the same each time this file is read."""
        return [
            text if SURELY_TEXT.fullmatch(text) else self._keys[text] if text else f"{self._file_hash}:{line}"
            for text, line in zip(texts, lines, strict=True)
        ]

    def moments(self, texts: Sequence[str], *, now: datetime) -> Sequence[Any]:
        """Return the times in the form of the driver."""
        encode = self._encoders["occurred_at"]
        try:  # when the first and the last of them can be, all can
            moments = list(map(datetime.fromisoformat, texts))
            check_moment(min(moments), path=OCCURRED_AT, now=now)
            check_moment(max(moments), path=OCCURRED_AT, now=now)
        except (ValueError, TypeError, OverflowError, ExpectedError):
            one_by_one: Judged[str, Any] = Judged(lambda text: encode(self._moment(text, now)))
            return one_by_one.each(texts)
        return list(map(encode, moments))

    def _moment(self, text: str, now: datetime) -> datetime:
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None and self._zone is not None:
                moment = moment.replace(tzinfo=self._zone)
            return check_moment(moment, path=OCCURRED_AT, now=now)
        except (ValueError, OverflowError) as error:
            raise NoTime(text, path=OCCURRED_AT) from error

    def _judge_of_money(self, field: str) -> Callable[[str], Money]:
        encode = self._encoders[field]
        nothing = Money(stored=encode(None))

        def judge(text: str) -> Money:
            if not text:
                return nothing
            if SURELY_AMOUNT.fullmatch(text):
                amount = Decimal(text)
            elif NUMBER.fullmatch(text):
                amount = check_amount(Decimal(text), path=(field,))
            else:
                raise NoNumber(text, path=(field,))
            return Money(amount, (amount > 0) - (amount < 0), encode(amount))

        return judge


def _source(text: str) -> str:
    return check_text(text, path=("source",))


def _key(text: str) -> str:
    return check_text(text, path=("externalId",))


def _identity(kind: str, text: str, source: str = "") -> Identity | None:
    return read_identity(kind, text, source) if text else None


def _customer_id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise InvalidInput(f"{text!r} is no id of a customer; that is a UUID.", path=("customerId",)) from error
