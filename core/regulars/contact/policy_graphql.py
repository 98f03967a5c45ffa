"""The company's policy on contacts in the API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import func, select
from sqlmodel import col
from strawberry.scalars import JSON
from strawberry.types import Info

from regulars.contact.models import ContactPolicyVersion
from regulars.contact.policies import add_policy
from regulars.fields.context import RequestContext
from regulars.fields.declarations import Argument, column, lookup, mutation
from regulars.fields.types import object_type, shown_as, value_type
from regulars.fields.values import MutationInput, Payload

__all__ = ["PolicyMutations", "PolicyQueries"]


@object_type(
    ContactPolicyVersion,
    name="ContactPolicy",
    permission="contact:read",
    description="What the company decided about contacts: one version, which is never changed.",
    is_open=True,
)
class ContactPolicyNode:
    """One version of the policy."""

    version: str = column(ContactPolicyVersion.version, description="Its name, as decisions keep it.")
    number: int = column(ContactPolicyVersion.number, description="Its number; give it as `expectedNumber`.")
    content: JSON = column(
        ContactPolicyVersion.content,
        description="default_tz, quiet_hours by channel, caps, child_directed, retired_notices, allowed_bases.",
    )
    reason: str = column(ContactPolicyVersion.reason, description="Why it was made.")
    actor: str = column(ContactPolicyVersion.actor, description="Who made it.")
    created_at: datetime = column(ContactPolicyVersion.created_at, description="From when on it held.")


def _policy(given: Mapping[str, Any]) -> Any:
    if given.get("version") is not None:
        return col(ContactPolicyVersion.version) == given["version"]
    newest = select(func.max(col(ContactPolicyVersion.number))).scalar_subquery()
    return col(ContactPolicyVersion.number) == newest


@strawberry.type
class PolicyQueries:
    """What can be asked about the policy."""

    contact_policy: ContactPolicyNode | None = lookup(
        _policy,
        arguments={"version": Argument(str | None, "The name of a version; the one that holds now unless said.")},
        permission="contact:read",
        description="The company's policy on contacts.",
    )


@strawberry.input(description="At most so many contacts within so many hours.")
class ContactCapInput:
    """At most so many contacts within so many hours."""

    limit: int | None = strawberry.field(description="How many; null is no cap, 0 is never.")
    window_h: int = strawberry.field(description="Within how many hours, counted back from each moment.")
    channel: str = strawberry.field(default="*", description="By which channel; `*` counts all together.")
    topic: str = strawberry.field(default="*", description="About what; `*` counts all together.")


@strawberry.input(description="Hours in which a channel is quiet.")
class ContactQuietHoursInput:
    """Hours in which a channel is quiet."""

    channel: str = strawberry.field(description="By which channel.")
    start: str = strawberry.field(description="From when on, by the customer's clock: 21:00.")
    end: str = strawberry.field(description="Until when: 08:00. The same as start is none.")


@strawberry.input(description="Changes to the policy: leaving a field out leaves it.")
class ContactPolicyUpdateInput(MutationInput):
    """Changes to the policy."""

    reason: str = strawberry.field(description="Why.")
    expected_number: int | None = strawberry.field(
        default=None, description="Refuse with CONFLICT unless this version holds."
    )
    default_time_zone: str | None = strawberry.field(default=None, description="Where no customer's is known.")
    quiet_hours: list[ContactQuietHoursInput] | None = strawberry.field(
        default=None, description="The house's quiet hours, all of them."
    )
    caps: list[ContactCapInput] | None = strawberry.field(default=None, description="The house's caps, all of them.")
    child_directed: bool | None = strawberry.field(default=None, description="Whether children are meant, too.")
    retired_notices: list[str] | None = strawberry.field(default=None, description="Notices that no longer count.")
    allowed_bases: list[str] | None = strawberry.field(
        default=None, description="On which bases a grant counts: express, express_written, soft_opt_in, implied."
    )

    def changes(self) -> dict[str, Any]:
        """Return what is to be changed, as the policy keeps it."""
        quiet = None if self.quiet_hours is None else {one.channel: [one.start, one.end] for one in self.quiet_hours}
        given = {
            "default_tz": self.default_time_zone,
            "quiet_hours": quiet,
            "caps": None if self.caps is None else [vars(cap) for cap in self.caps],
            "child_directed": self.child_directed,
            "retired_notices": self.retired_notices,
            "allowed_bases": self.allowed_bases,
        }
        return {name: value for name, value in given.items() if value is not None}


@value_type(description="The policy that holds now.")
class ContactPolicyPayload(Payload):
    """The policy that holds now."""

    policy: ContactPolicyNode | None = strawberry.field(default=None, description="The policy; null after an error.")


@strawberry.type
class PolicyMutations:
    """What can be changed about the policy."""

    @mutation(permission="contact:policy", description="Decide anew how customers may be contacted; it holds at once.")
    async def contact_policy_update(
        self, info: Info[RequestContext, None], input: ContactPolicyUpdateInput
    ) -> ContactPolicyPayload | None:
        """Add a version of the policy."""
        context = info.context
        row = await add_policy(
            context.session,
            changes=input.changes(),
            reason=input.reason,
            expected_number=input.expected_number,
            registry=context.services.consent_registry,
            actor=context.actor,
            now=context.now,
        )
        return ContactPolicyPayload(policy=shown_as(ContactPolicyNode, row))
