"""Look whether the database still guards the tables that are only added to."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.checkup.findings import Finding

__all__ = ["guard_findings"]

ONLY_ADDED_TO = ("core_audit", "core_consent_event", "core_seal")
SEALED = ("core_audit", "core_consent_event")
REFUSALS = {
    "postgresql": ("stays", "is_not_emptied"),
    "sqlite": ("is_not_deleted", "is_not_updated", "is_not_replaced"),
}
LISTS = {
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'",
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
}


async def guard_findings(session: AsyncSession) -> Sequence[Finding]:
    """Return which triggers are missing or switched off."""
    dialect = session.get_bind().dialect.name
    needed = {f"{table}_{refusal}" for table in ONLY_ADDED_TO for refusal in REFUSALS[dialect]}
    needed |= {f"{table}_awaits_its_seal" for table in SEALED}
    missing = sorted(needed - set(await session.scalars(text(LISTS[dialect]))))
    if not missing:
        return [Finding("triggers", "well", "The ledger, the audit log and their seals can only be added to.")]
    return [
        Finding(
            "triggers",
            "problem",
            f"Missing or switched off: {', '.join(missing)}. Rows could be changed or stay unsealed without a trace.",
            "Find out who took them away, look at the rows since, and restore the backup or the triggers.",
        )
    ]
