"""Publish the texts under which customers consent, and retire them."""

import hashlib
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.checks import check_text
from regulars.consents.registry import ConsentRegistry
from regulars.contact.policies import add_policy, policy_of, read_policy
from regulars.errors import NotFound, NotUnique
from regulars.events.service import record_event
from regulars.inserts import insert_new
from regulars.notices.models import Notice

__all__ = ["publish_notice", "retire_notice"]

LONGEST_TEXT = 50_000
LONGEST_NAME = 100


async def publish_notice(
    session: AsyncSession, *, version: str, language: str, text: str, actor: Actor, now: datetime
) -> Notice:
    """Return the notice of this version in this language: a new one, or the one that has the very same text.

    Raises ``NotUnique`` when the version has another text in this language: a shown text never changes.
    """
    version = check_text(version, path=("version",), longest=LONGEST_NAME)
    language = check_text(language, path=("language",), longest=LONGEST_NAME)
    shown = check_text(text, path=("text",), longest=LONGEST_TEXT)
    row = {
        "version": version,
        "language": language,
        "text": shown,
        "text_sha256": hashlib.sha256(shown.encode()).hexdigest(),
        "published_by": actor.label,
        "published_at": now,
    }
    new = await insert_new(session, Notice, [row], unless_taken=["version", "language"])
    if new:
        await _tell(session, "notice.published", version, {"language": language}, actor, now)
        return new[0]
    kept = await session.get_one(Notice, (version, language))
    if kept.text_sha256 != row["text_sha256"]:
        raise NotUnique(
            f"Notice {version} has another text in {language}, which customers may have seen. Publish a new version.",
            path=("version",),
        )
    return kept


async def retire_notice(
    session: AsyncSession, *, version: str, reason: str, registry: ConsentRegistry, actor: Actor, now: datetime
) -> list[Notice]:
    """Let no grant under this version count any more, and return its texts; retiring twice changes nothing.

    Decisions answer ``reconsent_required`` from now on; what was decided before stays as it was.
    Raises ``NotFound`` for a version that was never published.
    """
    texts = list(await session.scalars(select(Notice).where(col(Notice.version) == version)))
    if not texts:
        raise NotFound("notice", version, path=("version",))
    policy = await read_policy(session)
    retired = policy_of(policy).retired_notices
    if version not in retired:
        changes = {"retired_notices": sorted(retired | {version})}
        await add_policy(
            session,
            changes=changes,
            reason=reason,
            expected_number=policy.number,
            registry=registry,
            actor=actor,
            now=now,
        )
        await _tell(session, "notice.retired", version, {}, actor, now)
    return texts


async def _tell(
    session: AsyncSession, type: str, version: str, facts: dict[str, str], actor: Actor, now: datetime
) -> None:
    data = {"version": version, **facts}
    await record_event(session, type=type, subject=f"notice:{version}", actor=actor.label, data=data, now=now)
