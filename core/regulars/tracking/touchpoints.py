"""Say which touchpoint a message tells of; pure."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from regulars.errors import InvalidInput
from regulars.touchpoints.drafts import TouchpointDraft
from regulars.touchpoints.types import TouchpointTypes
from regulars.tracking.meanings import Meaning
from regulars.tracking.messages import Message, part_of
from regulars.tracking.translation import translated

__all__ = ["SOMEBODY", "TIMELINE", "event_of", "touchpoint_of"]

TIMELINE = frozenset({"group", "page", "screen", "track"})
"""The types of messages that stand in a customer's timeline."""

SOMEBODY = UUID(int=0)
"""Whose touchpoint it is while that is not known."""

CHANNELS = {"browser": "web", "mobile": "app", "web": "web"}


def touchpoint_of(
    message: Message, *, source: str, meanings: Mapping[str, Meaning], types: TouchpointTypes
) -> TouchpointDraft:
    """Return the touchpoint of a page, screen, track or group, of nobody yet.

    A `track` is what ``meanings`` says of its event. The external id is the message's id, unless a meaning names
    another. Raises ``InvalidInput`` for what lacks that every touchpoint of its type needs.
    """
    draft = TouchpointDraft(
        customer_id=SOMEBODY,
        type=message.type,
        occurred_at=message.occurred_at,
        source=source,
        channel=_channel(message),
        external_id=message.id,
        payload=_payload(message),
    )
    meaning = meanings.get(event_of(message)) if message.type == "track" else None
    return draft if meaning is None else translated(draft, body=message.body, meaning=meaning, types=types)


def event_of(message: Message) -> str:
    """Return what a `track` says that happened; raise ``InvalidInput`` where it does not."""
    return _word(message.body, "event").strip()


def _channel(message: Message) -> str | None:
    if message.type in ("page", "screen"):
        return "web" if message.type == "page" else "app"
    given = message.body.get("channel")
    return CHANNELS.get(given) if isinstance(given, str) else None


def _payload(message: Message) -> dict[str, Any]:
    body = message.body
    if message.type == "group":
        return {"group_id": _word(body, "groupId"), "traits": part_of(body, "traits")}
    properties = part_of(body, "properties")
    if message.type == "track":
        return {"event": event_of(message), "properties": properties}
    named = {name: body[name] for name in ("name", "category") if body.get(name)}
    return {**named, "properties": properties}


def _word(body: Any, field: str) -> str:
    given = body.get(field)
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if not isinstance(given, str) or not given.strip():
        raise InvalidInput(f"This message needs {field}, a text.", path=(field,))
    return given
