"""Row 16 of the test plan: whoever rewrites what happened is found out, and writers never wait for the sealer."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.audit.chain import BEGINNING, link_hash, read_contents
from regulars.audit.models import AuditEntry, Seal, UnsealedRow
from regulars.audit.sealing import hash_tail, seal_rows, write_links
from regulars.audit.service import forget_subject, record_audit
from regulars.testing.app import App

pytestmark = pytest.mark.row(16)

VERIFY = """{ consentLedgerVerify {
  isWhole sealed unsealed erased heads headSeq firstBrokenSeq problem
} }"""
GRANT = """mutation ($id: ID!, $reason: String!) {
  consentGrant(input: {customerId: $id, purpose: "research", channel: "email", reason: $reason,
                       noticeVersion: "n1", language: "en"}) { errors { code } }
}"""

Attack = Callable[[AsyncSession], Awaitable[None]]


async def verify(app: App) -> dict[str, Any]:
    verdict: dict[str, Any] = (await app.gql(VERIFY, as_="privacy"))["consentLedgerVerify"]
    return verdict


@pytest.fixture
async def anna(app: App) -> UUID:
    """Give a customer with ten consents, and a chain over them that a signed head vouches for."""
    anna = await app.add_customer("Anna")
    for number in range(10):
        await app.gql(GRANT, {"id": str(anna), "reason": f"for the {number}th time"})
    assert (await verify(app))["isWhole"]
    return anna


@pytest.fixture
def postgres_only(app: App) -> App:
    """Give the server where transactions overlap; on SQLite one writer comes after another."""
    if app.database.dialect == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    return app


def forge_head(folder: Path) -> None:
    (head, *_) = folder.glob("head-*.json")
    head.write_text(head.read_text().replace('"seq": ', '"seq": 1'))


async def behind_the_back(app: App, attack: Attack) -> None:
    """Do what only somebody can who owns the database: take the triggers away first."""
    async with app.database.writing() as session:
        await without_triggers(session)
        await attack(session)


async def without_triggers(session: AsyncSession) -> None:
    if session.get_bind().dialect.name == "postgresql":
        for table in ("core_audit", "core_seal", "core_consent_event"):
            await session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        return
    names = await session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
    for name in names.all():
        await session.execute(text(f"DROP TRIGGER {name}"))


async def sealed_consent(session: AsyncSession, number: int) -> Seal:
    query = select(Seal).where(col(Seal.kind) == "consent").order_by(col(Seal.seq)).offset(number).limit(1)
    return (await session.scalars(query)).one()


async def flip(session: AsyncSession) -> None:
    seal = await sealed_consent(session, 4)
    await session.execute(
        text("UPDATE core_consent_event SET channel = 'emaiL' WHERE id = :id"), {"id": _id(session, seal.row_id)}
    )


async def delete_row(session: AsyncSession) -> None:
    seal = await sealed_consent(session, 4)
    row = {"id": _id(session, seal.row_id)}
    await session.execute(text("DELETE FROM core_consent_state"))
    await session.execute(text("DELETE FROM core_consent_event WHERE id = :id"), row)
    await session.execute(text("DELETE FROM core_seal WHERE row_id = :id"), row)


async def reorder(session: AsyncSession) -> None:
    one, other = await sealed_consent(session, 4), await sealed_consent(session, 5)
    swap = text("UPDATE core_seal SET row_id = :id WHERE seq = :seq")
    await session.execute(swap, {"id": _id(session, UUID(int=0)), "seq": one.seq})
    await session.execute(swap, {"id": _id(session, one.row_id), "seq": other.seq})
    await session.execute(swap, {"id": _id(session, other.row_id), "seq": one.seq})


async def truncate(session: AsyncSession) -> None:
    last = await session.scalar(select(func.max(col(Seal.seq)))) or 0
    await session.execute(text("DELETE FROM core_consent_state"))
    for table, kind in (("core_audit", "audit"), ("core_consent_event", "consent")):
        await session.execute(
            text(f"DELETE FROM {table} WHERE id IN (SELECT row_id FROM core_seal WHERE seq > :seq AND kind = :kind)"),
            {"seq": last - 3, "kind": kind},
        )
    await session.execute(text("DELETE FROM core_seal WHERE seq > :seq"), {"seq": last - 3})


async def restamp(session: AsyncSession) -> None:
    """Change a row, then work out every link anew, as the sealer does."""
    await flip(session)
    seals = list(await session.scalars(select(Seal).order_by(col(Seal.seq))))
    previous, made = BEGINNING, []
    for seal in seals:
        content = (await read_contents(session, seal.kind, [seal.row_id]))[seal.row_id]
        hash = link_hash(seq=seal.seq, kind=seal.kind, content=content, sealed_at=seal.sealed_at, previous=previous)
        made.append({"seq": seal.seq, "previous": previous, "hash": hash})
        previous = hash
    await session.execute(text("UPDATE core_seal SET previous = 'was ' || previous"))
    await session.execute(text("UPDATE core_seal SET previous = :previous, hash = :hash WHERE seq = :seq"), made)


def _id(session: AsyncSession, id: UUID) -> Any:
    return id if session.get_bind().dialect.name == "postgresql" else id.hex


@pytest.mark.parametrize(
    ("attack", "told"),
    [
        (flip, "was changed after it was sealed"),
        (delete_row, "are missing"),
        (reorder, "was changed after it was sealed"),
        (truncate, "The end was cut off"),
        (restamp, "the chain was made anew"),
    ],
)
async def test_an_attack_on_the_chain_is_found_out(app: App, anna: UUID, attack: Attack, told: str) -> None:
    await behind_the_back(app, attack)

    verdict = await verify(app)

    assert not verdict["isWhole"]
    assert told in verdict["problem"]
    assert verdict["firstBrokenSeq"] == verdict["sealed"] + 1 or attack is delete_row


async def test_the_first_broken_link_is_named(app: App, anna: UUID) -> None:
    async with app.database.reading() as session:
        seal = await sealed_consent(session, 4)

    await behind_the_back(app, flip)

    assert (await verify(app))["firstBrokenSeq"] == seal.seq


async def test_an_older_copy_of_the_database_is_found_out(app: App, anna: UUID) -> None:
    tables = ("core_audit", "core_consent_event", "core_seal", "core_unsealed")
    async with app.database.writing() as session:
        for table in tables:
            await session.execute(text(f"CREATE TABLE copy_of_{table} AS SELECT * FROM {table}"))
    await app.gql(GRANT, {"id": str(anna), "reason": "once more"})
    assert (await verify(app))["isWhole"]

    async def restore(session: AsyncSession) -> None:
        await session.execute(text("DELETE FROM core_consent_state"))
        for table in tables:
            await session.execute(text(f"DELETE FROM {table}"))
            await session.execute(text(f"INSERT INTO {table} SELECT * FROM copy_of_{table}"))

    await behind_the_back(app, restore)

    verdict = await verify(app)
    assert not verdict["isWhole"]
    assert "the database is an older copy" in verdict["problem"]


async def test_words_that_were_changed_beside_the_chain_are_found_out(app: App, anna: UUID) -> None:
    async with app.database.writing() as session:
        await session.execute(text("UPDATE core_ledger_words SET reason = 'never' WHERE reason LIKE 'for the 4th%'"))

    verdict = await verify(app)

    assert "were changed after they were written" in verdict["problem"]


async def test_a_head_with_another_signature_is_found_out(app: App, anna: UUID) -> None:
    forge_head(Path(app.server.settings.audit_heads))

    verdict = await verify(app)

    assert "was not signed with the key of this installation" in verdict["problem"]


async def test_erased_words_leave_the_chain_whole(app: App, anna: UUID) -> None:
    async with app.database.writing() as session:
        await forget_subject(session, customer_id=anna)

    verdict = await verify(app)

    assert (verdict["isWhole"], verdict["unsealed"]) == (True, 0)
    assert verdict["erased"] == 20  # ten consents, and ten entries that say why they were recorded


async def test_rows_that_wait_for_their_link_are_told(app: App, anna: UUID) -> None:
    async with app.database.writing() as session:
        gone = UUID(int=7)
        session.add(UnsealedRow(kind="audit", row_id=gone))

    verdict = await verify(app)

    assert (verdict["isWhole"], verdict["unsealed"]) == (True, 1)


async def test_the_audit_log_tells_who_did_what_and_where_it_stands_in_the_chain(app: App, anna: UUID) -> None:
    asked = """query ($subject: String!) { auditLog(first: 1, where: {subject: {eq: $subject}}) {
      nodes { actor action subject fields reason seq via } totalCount
    } }"""

    told = (await app.gql(asked, {"subject": f"customer:{anna}"}, as_="privacy"))["auditLog"]

    async with app.database.reading() as session:
        last = await session.scalar(select(func.max(col(Seal.seq))).where(col(Seal.kind) == "audit"))
    assert told["totalCount"] == 11  # that she was created, too
    assert told["nodes"] == [
        {
            "actor": f"staff:{UUID(int=1)}",
            "action": "consent.granted",
            "subject": f"customer:{anna}",
            "fields": ["channel", "language", "needsConfirmation", "noticeVersion", "purpose", "topic"],
            "reason": "for the 9th time",
            "seq": last,
            "via": "consentGrant",
        }
    ]


@pytest.mark.parametrize("role", ["frontline", "analyst", "anonymous"])
async def test_others_do_not_see_it(app: App, role: str) -> None:
    answer = await app.ask("{ auditLog { totalCount } consentLedgerVerify { isWhole } }", as_=role)

    assert answer["data"] == {"auditLog": None, "consentLedgerVerify": None}


async def write_down(session: AsyncSession, app: App, action: str) -> UUID:
    return await record_audit(session, actor="system", action=action, subject="shop:1", now=app.clock.now())


async def chain(app: App) -> list[str]:
    async with app.database.reading() as session:
        query = select(col(AuditEntry.action)).join(Seal, col(Seal.row_id) == col(AuditEntry.id))
        return list(await session.scalars(query.order_by(col(Seal.seq))))


async def test_a_writer_commits_while_the_sealer_is_between_reading_and_writing(app: App) -> None:
    async with app.database.writing() as session:
        await write_down(session, app, "first")

    async with app.database.reading() as sealer:
        tail = await hash_tail(sealer, now=app.clock.now())
        async with app.database.writing() as writer:
            await write_down(writer, app, "second")
        before = await chain(app)
    async with app.database.writing() as sealer:
        await write_links(sealer, tail)
    await seal_rows(app.database, now=app.clock.now())

    assert before == []
    assert await chain(app) == ["first", "second"]


async def test_writers_whose_transactions_overlap_wait_neither_for_one_another_nor_for_the_sealer(
    postgres_only: App,
) -> None:
    app = postgres_only
    async with app.database.writing_session() as slow, app.database.writing_session() as sealer:
        await write_down(slow, app, "slow")
        await slow.flush()
        async with app.database.writing() as quick:
            await write_down(quick, app, "quick")
        await write_links(sealer, await hash_tail(sealer, now=app.clock.now()))
        async with app.database.writing() as late:  # the sealer holds what it wrote
            await write_down(late, app, "late")
        await sealer.commit()
        await slow.commit()
    await seal_rows(app.database, now=app.clock.now())

    # In the order of the commits, as far as the sealer could see them: what was open stands behind.
    assert (await chain(app))[0] == "quick"
    assert sorted((await chain(app))[1:]) == ["late", "slow"]
    assert (await verify(app))["isWhole"]


async def test_two_sealers_at_once_make_one_chain(app: App) -> None:
    async with app.database.writing() as session:
        for number in range(5):
            await write_down(session, app, f"number {number}")
    async with app.database.reading() as one, app.database.reading() as other:
        tails = [await hash_tail(session, now=app.clock.now()) for session in (one, other)]
    async with app.database.writing() as session:
        await write_links(session, tails[0])

    with pytest.raises(IntegrityError):
        async with app.database.writing() as session:
            await write_links(session, tails[1])

    assert await chain(app) == [f"number {number}" for number in range(5)]
    assert (await verify(app))["isWhole"]


async def test_a_head_is_due_every_thousand_rows_or_every_hour(app: App) -> None:
    heads = app.server.audit_heads

    async def seal_another() -> int | None:
        async with app.database.writing() as session:
            await write_down(session, app, "another")
        await seal_rows(app.database, now=app.clock.now())
        head = await heads.keep_up(app.database, now=app.clock.now())
        return None if head is None else head.seq

    at_first = await seal_another()
    soon = await seal_another()
    app.clock.advance(timedelta(hours=1))
    after_an_hour = await seal_another()
    async with app.database.writing() as session:
        for number in range(999):
            await write_down(session, app, f"number {number}")
    after_a_thousand = await seal_another()

    assert (at_first, soon, after_an_hour, after_a_thousand) == (1, None, 3, 1003)


async def test_time_that_went_back_breaks_no_chain(app: App, anna: UUID) -> None:
    app.clock.advance(timedelta(hours=-1))
    await app.gql(GRANT, {"id": str(anna), "reason": "in the hour that came twice"})

    assert (await verify(app))["isWhole"]
