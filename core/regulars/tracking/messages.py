"""Read messages of the Segment protocol; pure, and without trust in what a client sent.

Source: https://segment.com/docs/connections/spec/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson

from regulars.checks import check_json, check_moment, check_text
from regulars.customers.identities import Identity, read_identity
from regulars.errors import ExpectedError, InvalidInput, UnknownValue
from regulars.tracking.refusals import MessageTooLarge, NamelessMessage, NotAMessage

__all__ = ["LARGEST_MESSAGE", "TYPES", "Message", "Refused", "is_keepable", "part_of", "read_message", "read_messages"]

TYPES = ("alias", "group", "identify", "page", "screen", "track")

LARGEST_MESSAGE = 32 * 1024
"""Bytes of one message."""

DEEPEST = 64
LONGEST_TYPE = 100
LONGEST_DELAY = timedelta(days=36_500)


@dataclass(frozen=True)
class Message:
    """One message: whom it is about, what happened when, and all that the client sent.

    ``place`` is its index in the request. ``user`` and ``visitor`` are its names for the customer, of which one is
    there; ``former`` is the name that an alias gives up.
    """

    place: int
    id: str
    type: str
    user: Identity | None
    visitor: Identity | None
    former: Sequence[Identity]
    occurred_at: datetime
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Refused:
    """A message that is not taken in, and why."""

    place: int
    id: str | None
    error: ExpectedError
    body: object


def read_messages(
    bodies: Sequence[object], *, source: str, sent_at: object = None, type: str | None = None, now: datetime
) -> list[Message | Refused]:
    """Return what each body says, or why it says nothing, in order; as ``read_message``."""
    read: list[Message | Refused] = []
    for place, body in enumerate(bodies):
        try:
            read.append(read_message(body, place=place, source=source, sent_at=sent_at, type=type, now=now))
        except ExpectedError as error:
            given = body.get("messageId") if isinstance(body, Mapping) else None
            id = given[:255] if isinstance(given, str) else None
            read.append(Refused(place, id, error.with_traceback(None), body))
    return read


def read_message(
    body: object, *, place: int = 0, source: str, sent_at: object = None, type: str | None = None, now: datetime
) -> Message:
    """Return the message that ``source`` sent and that came ``now``.

    ``type`` is that of the address, if it is not a batch's, and ``sent_at`` the batch's. When a client says when it
    sent a message, only the time between its two moments counts, so its clock may be wrong.
    Raises ``NotAMessage``, ``MessageTooLarge``, ``NamelessMessage``, ``UnknownValue`` for another type, and
    ``InvalidInput`` for names, times and ids that cannot be.
    """
    if not isinstance(body, dict):
        raise NotAMessage("it is no JSON object")
    _check_size(body)
    kind = type or body.get("type")
    if kind not in TYPES:
        raise UnknownValue(
            "type of message", kind[:LONGEST_TYPE] if isinstance(kind, str) else "", TYPES, path=("type",)
        )
    user = _name(body, "userId", "external", source)
    visitor = _name(body, "anonymousId", "visitor", source)
    if user is None and visitor is None:
        raise NamelessMessage
    return Message(
        place=place,
        id=_message_id(body),
        type=kind,
        user=user,
        visitor=visitor,
        former=_former(body, source) if kind == "alias" else (),
        occurred_at=_occurred_at(body, sent_at, now),
        body=body,
    )


def is_keepable(body: Mapping[str, Any]) -> bool:
    """Tell whether both databases can keep all of a message as it is."""
    try:
        _check_size(body)
    except ExpectedError:
        return False
    return True


def part_of(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object inside a message, empty where there is none; raise ``InvalidInput`` for anything else."""
    part = body.get(name)
    if part is None:
        return {}
    if not isinstance(part, dict):
        raise InvalidInput(f"{name} is no JSON object. Write {{…}} with a name for each value.", path=(name,))
    return part


def _check_size(body: Mapping[str, Any]) -> None:
    if _is_deep(body):
        raise NotAMessage(f"it is nested more than {DEEPEST} levels deep")
    text = orjson.dumps(body)
    if len(text) > LARGEST_MESSAGE:
        raise MessageTooLarge(size=len(text), most=LARGEST_MESSAGE)
    if b"\\u0000" in text:  # seldom, and then it may be no NUL at all
        check_json(body, path=("message",), most_bytes=LARGEST_MESSAGE * 2)


def _is_deep(body: object) -> bool:
    level = [body]
    for _ in range(DEEPEST):
        inner: list[object] = []
        for value in level:
            if isinstance(value, dict):
                inner += [one for one in value.values() if isinstance(one, dict | list)]
            elif isinstance(value, list):
                inner += [one for one in value if isinstance(one, dict | list)]
        if not inner:
            return False
        level = inner
    return True


def _message_id(body: Mapping[str, Any]) -> str:
    given = body.get("messageId")
    if given is None or given == "":
        return str(uuid4())
    if not isinstance(given, str):
        raise InvalidInput("messageId is no text.", path=("messageId",))
    return check_text(given, path=("messageId",))


def _name(body: Mapping[str, Any], field: str, kind: str, source: str) -> Identity | None:
    given = _given_name(body, field)
    if given is None:
        return None
    try:
        return read_identity(kind, given, source)
    except InvalidInput as error:
        error.path = (field,)
        raise


def _given_name(body: Mapping[str, Any], field: str) -> str | None:
    given = body.get(field)
    if given is None or given == "":
        return None
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise InvalidInput(f"{field} is neither a text nor a whole number.", path=(field,))
    return str(given)


def _former(body: Mapping[str, Any], source: str) -> Sequence[Identity]:
    external, visitor = (_name(body, "previousId", kind, source) for kind in ("external", "visitor"))
    if external is None or visitor is None:
        raise InvalidInput("An alias needs a previousId, the name that it gives up.", path=("previousId",))
    return external, visitor


def _occurred_at(body: Mapping[str, Any], sent_at: object, now: datetime) -> datetime:
    told = body.get("timestamp") or body.get("originalTimestamp")
    if told is None:
        return now
    happened, sent = _moment(told), _moment(body.get("sentAt") or sent_at)
    if happened is None:
        raise InvalidInput(
            "timestamp is no moment as ISO 8601 writes it, such as 2026-03-02T12:00:00Z.", path=("timestamp",)
        )
    if sent is not None and sent - happened < LONGEST_DELAY:
        happened = now - max(sent - happened, timedelta(0))
    return min(check_moment(happened, path=("timestamp",), now=now), now)


def _moment(given: object) -> datetime | None:
    """Return the moment, None for what is none; one without a zone is taken for UTC."""
    try:
        moment = datetime.fromisoformat(str(given))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
