"""What somebody wants to be exported, as the input of a job keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from regulars.access.actors import Actor, actor_as_json, actor_from
from regulars.contact.requests import ContactRequest
from regulars.exports.columns import ExportFormat, ExportKind

__all__ = ["ExportPlan", "plan_from"]


@dataclass(frozen=True)
class ExportPlan:
    """What is exported, for whom, and ``page`` rows at a time.

    ``where`` is plain JSON in the shape of the kind's filter. With ``contact`` only customers who may be contacted so
    are exported.
    """

    kind: ExportKind
    format: ExportFormat
    columns: Sequence[str]
    actor: Actor
    page: int
    where: Mapping[str, Any] = field(default_factory=dict)
    contact: ContactRequest | None = None

    def as_json(self) -> Mapping[str, Any]:
        """Return the plan as JSON; who asks is kept with the permissions of that moment."""
        contact = self.contact
        return {
            "kind": self.kind,
            "format": self.format,
            "columns": list(self.columns),
            "page": self.page,
            "where": dict(self.where),
            "actor": actor_as_json(self.actor),
            "contact": None
            if contact is None
            else {
                "channel": contact.channel,
                "contact_class": contact.contact_class,
                "purpose": contact.purpose,
                "topic": contact.topic,
            },
        }


def plan_from(document: Mapping[str, Any]) -> ExportPlan:
    """Return the plan that ``as_json`` told of."""
    return ExportPlan(
        kind=document["kind"],
        format=document["format"],
        columns=document["columns"],
        page=document["page"],
        where=document["where"],
        actor=actor_from(document["actor"]),
        contact=None if document["contact"] is None else ContactRequest(**document["contact"]),
    )
