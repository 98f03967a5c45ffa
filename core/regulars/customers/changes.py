"""Check what is written about a customer, and bring it into its usual form."""

import re
import unicodedata
from dataclasses import dataclass, fields
from functools import cache
from zoneinfo import available_timezones

from regulars.errors import ForbiddenTransition, InvalidInput, UnknownValue
from regulars.unset import UNSET, Unset

__all__ = ["AGES", "STATUSES", "CustomerChanges", "InvalidTimeZone", "NewValues", "checked"]

AGES = ("adult", "minor", "unknown")
STATUSES = ("active", "deceased", "erased", "restricted")

LONGEST_NAME = 200

NewValues = dict[str, str | bool | None]
"""Values by the names of the customer's columns."""

# RFC 5646, section 2.1: language, script, region, variants, extensions, private use.
LANGUAGE = re.compile(
    r"(?P<language>[a-z]{2,3}(?:-[a-z]{3}){0,3})(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?P<rest>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[a-wy-z0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?)",
    re.IGNORECASE | re.ASCII,
)
# ISO 3166-1 alpha-2, with the subdivision of ISO 3166-2 where the law differs within a country.
JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


@dataclass(frozen=True)
class CustomerChanges:
    """What is to be written about a customer: ``UNSET`` leaves, ``None`` clears.

    A cleared ``age`` is ``unknown``, a cleared guardian's consent is none given; a status cannot be cleared.
    """

    display_name: str | Unset | None = UNSET
    language: str | Unset | None = UNSET
    time_zone: str | Unset | None = UNSET
    jurisdiction: str | Unset | None = UNSET
    age: str | Unset | None = UNSET
    has_guardian_consent: bool | Unset | None = UNSET
    status: str | Unset | None = UNSET


class InvalidTimeZone(InvalidInput):
    """A time zone was named that the IANA database does not have."""

    code = "INVALID_TIME"

    def __init__(self, value: str) -> None:
        self.value = value
        super().__init__(f"{value!r} is no IANA time zone, such as Europe/Berlin.", path=("timeZone",))


def checked(changes: CustomerChanges) -> NewValues:
    """Return the values to write, in their usual form, without those that are unset.

    Raises ``InvalidInput`` for a text, a language tag (BCP 47) or a jurisdiction (``US``, ``US-FL``) of another form,
    ``InvalidTimeZone`` for a zone that IANA does not have, ``UnknownValue`` for another age or status, and
    ``ForbiddenTransition`` for the status ``erased``, which only an erasure sets.
    """
    values: NewValues = {}
    for field in fields(changes):
        given: str | bool | Unset | None = getattr(changes, field.name)
        if not isinstance(given, Unset):
            values[field.name] = _CHECKS[field.name](given)
    return values


def _display_name(given: str | bool | None) -> str | None:
    name = " ".join(unicodedata.normalize("NFC", _text(given)).split())
    if len(name) > LONGEST_NAME:
        message = f"This name has {len(name)} characters; at most {LONGEST_NAME} fit."
        raise InvalidInput(message, path=("displayName",))
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name):
        raise InvalidInput("This name has control characters in it. Remove them.", path=("displayName",))
    return name or None


def _language(given: str | bool | None) -> str | None:
    tag = _text(given)
    if not tag:
        return None
    shape = LANGUAGE.fullmatch(tag)
    if shape is None:
        raise InvalidInput(f"{tag!r} is no language tag (BCP 47), such as de or en-GB.", path=("language",))
    language, script, region = (shape[part] or "" for part in ("language", "script", "region"))
    parts = (language.lower(), script.title(), region.upper())
    return "-".join(part for part in parts if part) + shape["rest"].lower()


def _time_zone(given: str | bool | None) -> str | None:
    zone = _text(given)
    if zone and zone not in _zones():
        raise InvalidTimeZone(zone)
    return zone or None


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"Factory", "localtime"})


def _jurisdiction(given: str | bool | None) -> str | None:
    code = _text(given).upper()
    if code and not JURISDICTION.fullmatch(code):
        raise InvalidInput(
            f"{given!r} is no jurisdiction. Write a country's two letters, with the state where it matters: US-FL.",
            path=("jurisdiction",),
        )
    return code or None


def _age(given: str | bool | None) -> str:
    age = _text(given) or "unknown"
    if age not in AGES:
        raise UnknownValue("age statement", age, AGES, path=("age",))
    return age


def _guardian(given: str | bool | None) -> bool:
    return given is True


def _status(given: str | bool | None) -> str:
    status = _text(given)
    if status not in STATUSES:
        raise UnknownValue("status of a customer", status, STATUSES, path=("status",))
    if status == "erased":
        message = "A customer becomes erased by an erasure, which removes the personal data too. Ask for one."
        raise ForbiddenTransition(message, path=("status",))
    return status


def _text(given: str | bool | None) -> str:
    return given.strip() if isinstance(given, str) else ""


_CHECKS = {
    "display_name": _display_name,
    "language": _language,
    "time_zone": _time_zone,
    "jurisdiction": _jurisdiction,
    "age": _age,
    "has_guardian_consent": _guardian,
    "status": _status,
}
