"""Check single values that come from outside, before anything is written."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from regulars.errors import InvalidInput, OutOfRange
from regulars.tables import AMOUNT_SCALE

__all__ = ["WHOLE_DIGITS", "check_amount", "check_json", "check_moment", "check_text", "check_zoned"]

WHOLE_DIGITS = 14
"""Digits before the point of an amount, so that it fits on both databases."""

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
CLOCK_LEEWAY = timedelta(hours=24)
LONGEST_TEXT = 255
UNKEPT = re.compile("[\x00\ud800-\udfff]")
WRITER = json.JSONEncoder(allow_nan=False, ensure_ascii=False)


def check_text(text: str, *, path: Sequence[str], longest: int = LONGEST_TEXT) -> str:
    """Return the text if it says something and both databases can keep it; raise ``InvalidInput`` otherwise."""
    name = path[-1]
    if not text.strip():
        raise InvalidInput(f"{name} is empty. Give it, or leave it out where it is optional.", path=path)
    if len(text) > longest:
        raise InvalidInput(f"{name} has {len(text)} characters. At most {longest} are kept.", path=path)
    if UNKEPT.search(text):
        raise InvalidInput(f"{name} holds a character that is no text (NUL or half a pair). Remove it.", path=path)
    return text


def check_zoned(moment: datetime, *, path: Sequence[str]) -> datetime:
    """Return the moment in UTC; raise ``InvalidInput`` for one without a zone."""
    if moment.tzinfo is None:
        raise InvalidInput(f"{path[-1]} {moment.isoformat()} has no time zone. Add one, such as Z for UTC.", path=path)
    return moment.astimezone(UTC)


def check_moment(moment: datetime, *, path: Sequence[str], now: datetime) -> datetime:
    """Return the moment in UTC.

    Raises ``InvalidInput`` without a zone, ``OutOfRange`` before 1900 or more than a day after ``now``.
    """
    utc = check_zoned(moment, path=path)
    if utc < EARLIEST:
        raise OutOfRange(f"{path[-1]} {utc.isoformat()} lies before 1900. Check the date's format.", path=path)
    if utc > now + CLOCK_LEEWAY:
        raise OutOfRange(
            f"{path[-1]} {utc.isoformat()} lies more than a day ahead of this server's clock."
            " Record what has happened, not what will.",
            path=path,
        )
    return utc


def check_amount(amount: Decimal, *, path: Sequence[str]) -> Decimal:
    """Return the amount if both databases keep it exactly.

    Raises ``InvalidInput`` for NaN and infinities, ``OutOfRange`` for more than four digits after the point or more
    than fourteen before it.
    """
    if not amount.is_finite():
        raise InvalidInput(f"{path[-1]} {amount} is not a number.", path=path)
    if amount.adjusted() >= WHOLE_DIGITS:
        raise OutOfRange(f"{path[-1]} is too large: at most {WHOLE_DIGITS} digits before the point.", path=path)
    if amount != 0 and amount.normalize().as_tuple().exponent < -AMOUNT_SCALE:  # type: ignore[operator]  # is finite
        raise OutOfRange(
            f"{path[-1]} {amount} has more than {AMOUNT_SCALE} digits after the point. Round it.", path=path
        )
    return amount


def check_json(document: object, *, path: Sequence[str], most_bytes: int) -> None:
    """Raise ``InvalidInput`` for what is no JSON or holds NUL, ``OutOfRange`` for more than ``most_bytes``."""
    try:
        written = WRITER.encode(document).encode()
    except (TypeError, ValueError) as error:  # NaN and infinities; half a pair of surrogates
        raise InvalidInput(f"{path[-1]} is no JSON: {error}.", path=path) from error
    if len(written) > most_bytes:
        raise OutOfRange(
            f"{path[-1]} has {len(written)} bytes; at most {most_bytes} are kept. Leave out what nobody reads.",
            path=path,
        )
    if b"\\u0000" in written and _has_nul(document):  # seldom, and then it may be written so
        raise InvalidInput(f"{path[-1]} holds the character NUL. Remove it.", path=path)


def _has_nul(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_has_nul(part) for entry in value.items() for part in entry)
    if isinstance(value, list | tuple):
        return any(_has_nul(part) for part in value)
    return isinstance(value, str) and "\x00" in value
