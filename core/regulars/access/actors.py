"""Who asks, and what they may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

__all__ = ["ANONYMOUS", "SYSTEM", "Actor", "ActorKind", "actor_as_json", "actor_from"]

ActorKind = Literal["anonymous", "staff", "service", "customer", "source", "system"]


@dataclass(frozen=True)
class Actor:
    """Somebody or something that asks, with the permissions that hold for this request.

    ``customer_id`` is set for customers, who see only their own rows; ``key_id`` for whoever came in with a key.
    ``source`` names the site or app whose write key was sent; such an actor only sends events.
    """

    kind: ActorKind
    id: UUID | None = None
    name: str = ""
    permissions: frozenset[str] = field(default_factory=frozenset)
    customer_id: UUID | None = None
    key_id: UUID | None = None
    source: str = ""

    @cached_property
    def label(self) -> str:
        """Return the actor as events and ledgers name it: ``staff:<uuid>``, ``system``."""
        return self.kind if self.id is None else f"{self.kind}:{self.id}"

    @cached_property
    def key_label(self) -> str | None:
        """Return the key with which the actor came in, as ``key:<uuid>``; None for whoever came without one."""
        return None if self.key_id is None else f"key:{self.key_id}"

    def may(self, permission: str) -> bool:
        """Tell whether the actor has this permission."""
        return permission in self.permissions


ANONYMOUS = Actor("anonymous")
SYSTEM = Actor("system", name="Regulars")


def actor_as_json(actor: Actor) -> Mapping[str, Any]:
    """Return who asks as the input of a job keeps it, with the permissions of this moment."""
    return {
        "kind": actor.kind,
        "id": None if actor.id is None else str(actor.id),
        "name": actor.name,
        "permissions": sorted(actor.permissions),
    }


def actor_from(document: Mapping[str, Any]) -> Actor:
    """Return the actor that ``actor_as_json`` told of."""
    id = None if document["id"] is None else UUID(document["id"])
    return Actor(document["kind"], id, document["name"], frozenset(document["permissions"]))
