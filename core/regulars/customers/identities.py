"""Read the names by which a customer is known, so that equal ones compare as equal and empty ones are refused."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import idna

from regulars.errors import InvalidInput, UnknownValue
from regulars.private import Pii

__all__ = ["KINDS", "ExternalRef", "Identity", "Placeholder", "read_identity"]

KINDS = ("email", "external", "phone", "social", "visitor")

# What programs write where a name is missing. One such value would join thousands of strangers into one customer.
# fmt: off
PLACEHOLDERS = frozenset(
    {
        "-1", "anon", "anonymous", "distinct_id", "distinctid", "email", "false", "guest", "id", "n/a",
        "na", "nan", "nil", "none", "not_authenticated", "not_set", "null", "true", "undefined", "unknown",
        "user_id", "userid", "(none)", "(null)", "(not set)", "<none>", "<null>", "[object object]",
    }
)
# fmt: on

LONGEST_EMAIL = 254
LONGEST_LOCAL_PART = 64
LONGEST_VALUE = 255

LOCAL_PART = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+")
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
SOURCE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
PHONE_PUNCTUATION = re.compile(r"\(0\)|[\s().\-/\u2010-\u2015\u00a0\u202f]")


@dataclass(frozen=True, slots=True)
class Identity:
    """A name that was read: ``value`` as it was given, ``normalised`` as it is compared.

    ``source`` is the system of an external id, the platform of a social account, or the site or app that gave a
    visitor's id to a device; else empty. In a log or a message its kind is shown and not the
    name.
    """

    kind: str
    value: str
    normalised: str
    source: str = ""

    def __repr__(self) -> str:
        return f"Identity({Pii(self.value, self.kind)})"


@dataclass(frozen=True)
class ExternalRef:
    """The id of a customer in another system."""

    source: str
    id: str


class Placeholder(InvalidInput):
    """A name was given that programs write where a name is missing."""

    code = "PLACEHOLDER"

    def __init__(self, kind: str, value: str) -> None:
        self.kind, self.value = kind, value
        super().__init__(
            f"{value!r} as {kind} stands for a missing value and would join strangers. Leave the identity out.",
            path=("value",),
        )


def read_identity(kind: str, value: str, source: str = "") -> Identity:
    """Return the name as it is kept and compared.

    E-mail addresses are compared without regard to case and with their domain in ASCII (IDNA); phone numbers as
    E.164 with their country code; external and visitors' ids exactly; social accounts without ``@`` and without regard
    to case.
    Raises ``UnknownValue`` for another kind, ``Placeholder`` for values such as ``null`` or ``guest``, and
    ``InvalidInput`` for what has not the form of its kind, or has no source where one is needed.
    """
    if kind not in KINDS:
        raise UnknownValue("kind of identity", kind, KINDS, path=("kind",))
    text = unicodedata.normalize("NFC", value).strip()
    _check_text(kind, text)
    if kind == "email":
        normalised = _email(_without_invisible_letters(text))
    elif kind == "phone":
        normalised = _phone(_without_invisible_letters(text))
    elif kind in ("external", "visitor"):
        normalised = text
    else:
        normalised = _social(_without_invisible_letters(text))
    # One text where both are the same: an import keeps a hundred thousand of them.
    normalised = text if normalised == text else normalised
    return Identity(kind=kind, value=text, normalised=normalised, source=_source(kind, source))


def _check_text(kind: str, text: str) -> None:
    if not text or _is_placeholder(text):
        raise Placeholder(kind, text)
    if len(text) > LONGEST_VALUE:
        raise InvalidInput(f"This {kind} has {len(text)} characters; at most {LONGEST_VALUE} fit.", path=("value",))
    if not text.isprintable() and any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text):
        raise InvalidInput(f"This {kind} has control characters in it. Remove them.", path=("value",))


def _is_placeholder(text: str) -> bool:
    return text.casefold() in PLACEHOLDERS or not text.strip("0-_.?*")


def _without_invisible_letters(text: str) -> str:
    # Copied from a page or an address book, names come with direction marks and zero-width spaces.
    if text.isprintable():
        return text
    return "".join(letter for letter in text if unicodedata.category(letter) != "Cf")


def _email(text: str) -> str:
    local, _, domain = text.rpartition("@")
    if len(local) > LONGEST_LOCAL_PART or not LOCAL_PART.fullmatch(local):
        raise _malformed_email(text)
    try:
        ascii_domain = _ascii_domain(domain)
    except idna.IDNAError as error:
        raise _malformed_email(text) from error
    labels = ascii_domain.split(".")
    if len(labels) == 1 or not labels[-1].strip("0123456789"):
        raise _malformed_email(text)
    if _is_placeholder(local) and _is_placeholder(labels[0]):
        raise Placeholder("email", text)
    address = f"{local.casefold()}@{ascii_domain}"
    if len(address) > LONGEST_EMAIL:
        raise _malformed_email(text)
    return unicodedata.normalize("NFC", address)


@lru_cache(maxsize=1024)
def _ascii_domain(domain: str) -> str:
    return idna.encode(domain, uts46=True, std3_rules=True).decode("ascii")


def _malformed_email(text: str) -> InvalidInput:
    return InvalidInput(f"{text!r} is no e-mail address, such as anna@example.org.", path=("value",))


def _phone(text: str) -> str:
    digits = PHONE_PUNCTUATION.sub("", unicodedata.normalize("NFKC", text))
    digits = "".join(str(unicodedata.decimal(letter, letter)) for letter in digits)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if not E164.fullmatch(digits):
        raise InvalidInput(
            f"{text!r} is no international phone number. Write it with its country code, such as +49 30 123456.",
            path=("value",),
        )
    return digits


def _social(text: str) -> str:
    handle = unicodedata.normalize("NFC", text.lstrip("@").casefold())
    if not handle or _is_placeholder(handle):
        raise Placeholder("social", text)
    if any(letter.isspace() for letter in handle):
        raise InvalidInput(f"{text!r} is no account: it has a space in it.", path=("value",))
    return handle


def _source(kind: str, source: str) -> str:
    name = source.strip().casefold()
    if kind in {"email", "phone"}:
        if name:
            raise InvalidInput(f"An identity of kind {kind} has no source. Leave {source!r} out.", path=("source",))
        return ""
    if not SOURCE.fullmatch(name) or _is_placeholder(name):
        what = "platform of the account" if kind == "social" else "system that gave the id"
        raise InvalidInput(
            f"An identity of kind {kind} needs a source, the {what}: lower-case letters, digits, '.', '_' and '-',"
            f" not {source!r}.",
            path=("source",),
        )
    return name
