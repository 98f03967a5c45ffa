"""Say which facts about a customer an `identify` or a `group` tells; pure.

Source of the reserved names: https://segment.com/docs/connections/spec/identify/#traits
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from regulars.customers.changes import CustomerChanges, checked
from regulars.customers.identities import Identity, read_identity
from regulars.errors import InvalidInput
from regulars.tracking.messages import Message, part_of

__all__ = ["GROUP_TRAIT", "Facts", "Ignored", "facts_of"]

GROUP_TRAIT = "group_id"
MOST_FACTS = 100
DEEPEST = 4
RESERVED = frozenset({"email", "phone", "name", "firstName", "lastName", "firstname", "lastname"})

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Ignored:
    """A part of a message that was not kept, and why."""

    name: str
    reason: str


@dataclass
class Facts:
    """What a message tells about its customer: names that they are said to have, how to call them, and traits."""

    claims: list[Identity] = field(default_factory=list)
    display_name: str | None = None
    traits: dict[str, Scalar] = field(default_factory=dict)
    ignored: list[Ignored] = field(default_factory=list)


def facts_of(message: Message) -> Facts:
    """Return the facts of a message; whatever cannot be kept is told in ``ignored`` and holds up nothing else.

    Raises ``InvalidInput`` where the traits are no JSON object.
    """
    facts = Facts()
    if message.type == "group":
        facts.traits[GROUP_TRAIT] = str(message.body.get("groupId"))
    if message.type != "identify":
        return facts
    given = part_of(message.body, "traits") or _traits_of_context(message.body)
    for kind in ("email", "phone"):
        _claim(facts, kind, given.get(kind))
    _call(facts, given)
    for key, value in _flat(given):
        if key in RESERVED:
            continue
        if isinstance(value, dict | list):
            facts.ignored.append(Ignored(key, "A trait is one value; lists are not kept."))
        elif len(facts.traits) == MOST_FACTS:
            facts.ignored.append(Ignored(key, f"More than {MOST_FACTS} traits came at once."))
        else:
            facts.traits[key] = value
    return facts


def _traits_of_context(body: Mapping[str, Any]) -> dict[str, Any]:
    # RudderStack's clients put them there.
    return part_of(part_of(body, "context"), "traits")


def _claim(facts: Facts, kind: str, given: object) -> None:
    if given is None or given == "":
        return
    try:
        facts.claims.append(read_identity(kind, str(given)))
    except InvalidInput as error:
        facts.ignored.append(Ignored(kind, str(error)))


def _call(facts: Facts, given: Mapping[str, Any]) -> None:
    parts = [given.get("firstName", given.get("firstname")), given.get("lastName", given.get("lastname"))]
    name = given.get("name") or " ".join(part for part in parts if isinstance(part, str))
    if not isinstance(name, str) or not name.strip():
        return
    try:
        said = checked(CustomerChanges(display_name=name))["display_name"]
    except InvalidInput as error:
        facts.ignored.append(Ignored("name", str(error)))
    else:
        facts.display_name = said if isinstance(said, str) else None


def _flat(given: Mapping[str, Any], prefix: str = "", depth: int = 1) -> Iterator[tuple[str, Any]]:
    for key, value in given.items():
        if isinstance(value, dict) and value and depth < DEEPEST:
            yield from _flat(value, f"{prefix}{key}.", depth + 1)
        else:
            yield f"{prefix}{key}", value
