"""The audit log in the API, and whether the chain over it and over the consents still holds."""

from datetime import datetime

import strawberry
from sqlalchemy import select
from sqlmodel import col
from strawberry.scalars import JSON
from strawberry.types import Info

from regulars.audit.models import AuditEntry, LedgerWords, Seal
from regulars.audit.verification import verify_ledger
from regulars.fields.context import RequestContext
from regulars.fields.declarations import column, connection, resolver
from regulars.fields.types import object_type, value_type
from regulars.fields.values import Connection, Node

__all__ = ["AuditQueries"]

AUDIT_READ = "audit:read"

_WHY = (
    select(col(LedgerWords.reason))
    .where(col(LedgerWords.entry_id) == col(AuditEntry.id))
    .correlate(AuditEntry)
    .scalar_subquery()
)
_SEQ = (
    select(col(Seal.seq))
    .where(col(Seal.row_id) == col(AuditEntry.id), col(Seal.kind) == "audit")
    .correlate(AuditEntry)
    .scalar_subquery()
)


@object_type(
    AuditEntry,
    name="AuditEntry",
    permission=AUDIT_READ,
    description="One change that somebody made; it is never changed.",
)
class AuditEntryNode(Node):
    """One change that somebody made."""

    id: strawberry.ID = column(AuditEntry.id, description="The global id.", is_global_id=True, filterable=True)
    at: datetime = column(AuditEntry.at, description="When.", filterable=True, sortable=True)
    actor: str = column(AuditEntry.actor, description="Who: `staff:<id>`, `service:<id>`, system…", filterable=True)
    action: str = column(AuditEntry.action, description="What was done: customer.updated…", filterable=True)
    subject: str = column(AuditEntry.subject, description="To what: `customer:<databaseId>`…", filterable=True)
    fields: JSON = column(AuditEntry.fields, description="The names of what changed; never values.")
    via: str | None = column(AuditEntry.via, description="By which mutation, job or command.", filterable=True)
    request_id: str | None = column(AuditEntry.request_id, description="In which request.", filterable=True)
    reason: str | None = column(_WHY, description="Why, in their words; null when nobody said, or once it was erased.")
    seq: int | None = column(_SEQ, description="Its place in the chain; null for the few seconds before it is sealed.")


@value_type(description="Whether the chain over the audit log and the consents still holds.")
class LedgerVerification:
    """Whether the chain still holds."""

    is_whole: bool = strawberry.field(description="Whether every link holds.")
    sealed: int = strawberry.field(description="How many links were found whole.")
    unsealed: int = strawberry.field(description="How many rows wait for their link.")
    erased: int = strawberry.field(description="In how many rows the words were erased with somebody's data.")
    heads: int = strawberry.field(description="How many signed heads lie outside the database.")
    head_seq: int = strawberry.field(description="The last link that a signed head vouches for; 0 when there is none.")
    first_broken_seq: int | None = strawberry.field(description="The number of the first link that does not hold.")
    problem: str | None = strawberry.field(description="What is wrong there, in a sentence.")


@strawberry.type
class AuditQueries:
    """What can be asked about who did what."""

    audit_log: Connection[AuditEntryNode] | None = connection(
        permission=AUDIT_READ,
        description="Who changed what and why, the newest first.",
        order_by=[col(AuditEntry.at).desc(), col(AuditEntry.id).desc()],
    )

    @resolver(
        permission=AUDIT_READ,
        description=(
            "Seals what waits and checks every link of the chain over the audit log and the consents, the signed heads"
            " included. For millions of rows use `regulars audit verify`, which has no time limit."
        ),
        cost=500,
    )
    async def consent_ledger_verify(self, info: Info[RequestContext, None]) -> LedgerVerification | None:
        """Check every link of the chain."""
        services = info.context.services
        verdict = await verify_ledger(services.database, services.audit_heads, now=info.context.now)
        broken = verdict.first_break
        return LedgerVerification(
            is_whole=verdict.is_whole,
            sealed=verdict.sealed,
            unsealed=verdict.unsealed,
            erased=verdict.erased,
            heads=verdict.heads,
            head_seq=verdict.head_seq,
            first_broken_seq=None if broken is None else broken.seq,
            problem=None if broken is None else broken.problem,
        )
