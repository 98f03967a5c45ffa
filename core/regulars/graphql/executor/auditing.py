"""Write down every mutation that had an effect: what its services recorded, or at least that it was done."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.audit.service import Circumstances, record_audit, under
from regulars.fields.context import RequestContext

__all__ = ["audited"]

NOT_FIELDS = frozenset({"clientMutationId", "idempotencyKey", "reason", "expectedVersion", "id", "customerId"})
SUBJECTS = ("customerId", "id")


@asynccontextmanager
async def audited(
    session: AsyncSession, context: RequestContext, name: str, given: Mapping[str, Any]
) -> AsyncIterator[None]:
    """Let what is recorded inside tell of the mutation ``name``; where nothing is, record the mutation itself.

    ``given`` are its arguments. An error inside leaves nothing, because the caller rolls back.
    """
    asked: Mapping[str, Any] = given.get("input") or {}
    reason = asked.get("reason")
    circumstances = Circumstances(
        via=name,
        request_id=context.request_id,
        fields=sorted(key for key, value in asked.items() if value is not None and key not in NOT_FIELDS),
        why=reason if isinstance(reason, str) else None,
    )
    with under(session, circumstances):
        yield
        if not circumstances.entries:
            await record_audit(
                session, actor=context.actor.label, action=name, subject=_subject(asked, name), now=context.now
            )


def _subject(asked: Mapping[str, Any], name: str) -> str:
    for key in SUBJECTS:
        type_name, _, digits = str(asked.get(key) or "").rpartition("_")
        kind = "customer" if key == "customerId" else type_name.lower() or name
        try:
            return f"{kind}:{UUID(digits)}"
        except ValueError:
            if digits:
                return f"{kind}:{asked[key]}"
    return name
