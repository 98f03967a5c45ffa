from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col
from tests.core.plugins.fakes import gold

from regulars.audit.models import AuditEntry, LedgerWords, SubjectKey, UnsealedRow
from regulars.audit.service import forget_subject
from regulars.audit.words import digest_of_words
from regulars.consents.models import ConsentEvent
from regulars.idempotency.models import KeptAnswer
from regulars.testing.app import App
from regulars.testing.fixtures import MakeApp

UPDATE = """mutation ($id: ID!, $version: Int) {
  customerUpdate(input: {id: $id, language: "de", displayName: null, expectedVersion: $version}) { errors { code } }
}"""
WITHDRAW = """mutation ($id: ID!) {
  consentWithdraw(input: {customerId: $id, purpose: "*", channel: "*", reason: "Told Mary at the till"}) {
    consent { reason } errors { code }
  }
}"""


async def entries(app: App) -> list[AuditEntry]:
    async with app.database.reading() as session:
        return list(await session.scalars(select(AuditEntry).order_by(col(AuditEntry.id))))


async def count(app: App, table: Any) -> int:
    async with app.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
async def anna(app: App) -> UUID:
    return await app.add_customer("Anna")


async def test_a_mutation_leaves_who_did_what_to_whom_with_the_names_of_what_changed(app: App, anna: UUID) -> None:
    before = len(await entries(app))

    await app.gql(UPDATE, {"id": str(anna)}, as_="frontline")

    [entry] = (await entries(app))[before:]
    assert (entry.actor, entry.action, entry.via) == (f"staff:{UUID(int=1)}", "customer.updated", "customerUpdate")
    assert entry.subject == f"customer:{anna}"
    assert entry.at == app.clock.now()
    assert sorted(entry.fields) == ["display_name", "language"]
    assert entry.words_hmac is None


async def test_a_mutation_that_was_refused_leaves_nothing(app: App, anna: UUID) -> None:
    before = await entries(app)

    answer = await app.gql(UPDATE, {"id": str(anna), "version": 7})

    assert answer["customerUpdate"]["errors"] == [{"code": "CONFLICT"}]
    assert [entry.id for entry in await entries(app)] == [entry.id for entry in before]


async def test_why_stands_beside_the_entry_which_holds_only_its_digest(app: App, anna: UUID) -> None:
    told = await app.gql(WITHDRAW, {"id": str(anna)})

    entry = (await entries(app))[-1]
    async with app.database.reading() as session:
        words = await session.get_one(LedgerWords, entry.id)
        key = await session.get_one(SubjectKey, f"customer:{anna}")
    assert told["consentWithdraw"]["consent"]["reason"] == "Told Mary at the till"
    assert (words.reason, words.subject) == ("Told Mary at the till", f"customer:{anna}")
    assert entry.words_hmac == digest_of_words(key.key, reason=words.reason, evidence=None)
    assert "Mary" not in str(entry.model_dump())


async def test_a_mutation_with_transactions_of_its_own_is_written_down_too(make_app: MakeApp) -> None:
    app = await make_app(gold())

    await app.gql('mutation { pluginDisable(input: {id: "gold"}) { errors { code } } }')

    entry = (await entries(app))[-1]
    assert (entry.action, entry.subject) == ("pluginDisable", "pluginDisable:gold")


async def test_what_a_job_did_is_written_down_with_its_kind(app: App) -> None:
    await app.run_job("core.retention")

    entry = (await entries(app))[-1]
    assert (entry.actor, entry.action) == ("system", "job.succeeded")


@pytest.mark.parametrize("change", [update(AuditEntry).values(actor="nobody"), delete(AuditEntry)])
async def test_the_database_refuses_to_change_or_delete_an_entry(app: App, anna: UUID, change: Any) -> None:
    await app.gql(UPDATE, {"id": str(anna)})
    before = [entry.model_dump() for entry in await entries(app)]

    with pytest.raises(IntegrityError, match="core_audit is only added to"):
        async with app.database.writing() as session:
            await session.execute(change)

    assert [entry.model_dump() for entry in await entries(app)] == before


async def test_every_entry_and_every_consent_waits_for_its_seal(app: App, anna: UUID) -> None:
    await app.gql(WITHDRAW, {"id": str(anna)})

    async with app.database.reading() as session:
        waiting = (await session.execute(select(col(UnsealedRow.kind), col(UnsealedRow.row_id)))).all()
        consents = list(await session.scalars(select(col(ConsentEvent.id))))
    audited = {("audit", entry.id) for entry in await entries(app)}
    assert set(map(tuple, waiting)) == audited | {("consent", id) for id in consents}


async def test_forgetting_somebody_destroys_their_words_keys_and_kept_answers_and_nobody_elses(
    app: App, anna: UUID
) -> None:
    berta, headers = await app.add_customer("Berta"), await app.key("privacy")
    former = await app.add_customer("Anna, as she was")
    for number, id in enumerate((anna, berta, former)):
        asked = {"query": WITHDRAW, "variables": {"id": str(id)}}
        await app.client.post("/graphql", headers={**headers, "idempotency-key": f"k{number}"}, json=asked)
    await app.merge(survivor=anna, merged=former)
    before = [entry.model_dump() for entry in await entries(app)]

    async with app.database.writing() as session:
        forgotten = await forget_subject(session, customer_id=anna)

    assert forgotten["core_subject_key"] == 2
    assert forgotten["core_kept_answer"] == 2
    assert [entry.model_dump() for entry in await entries(app)] == before
    async with app.database.reading() as session:
        subjects = set(
            await session.scalars(select(col(LedgerWords.subject)).where(col(LedgerWords.reason).is_not(None)))
        )
        answers = await session.scalar(
            select(func.count()).select_from(KeptAnswer).where(col(KeptAnswer.answer).is_not(None))
        )
    assert f"customer:{berta}" in subjects
    assert subjects.isdisjoint({f"customer:{anna}", f"customer:{former}"})
    assert answers == 1


async def test_a_consent_whose_words_are_forgotten_is_still_told(app: App, anna: UUID) -> None:
    await app.gql(WITHDRAW, {"id": str(anna)})
    async with app.database.writing() as session:
        await forget_subject(session, customer_id=anna)

    told = await app.gql(
        "query ($id: ID!) { customer(id: $id) { consentEvents { nodes { action purpose reason evidence } } } }",
        {"id": str(anna)},
    )

    assert told["customer"]["consentEvents"]["nodes"] == [
        {"action": "withdraw", "purpose": "*", "reason": None, "evidence": None}
    ]


async def test_no_statement_of_a_change_reads_the_chain(app: App, anna: UUID) -> None:
    async with app.database.writing() as session:
        await session.execute(text("DROP TABLE core_seal"))

    answer = await app.gql(UPDATE, {"id": str(anna)})

    assert answer["customerUpdate"]["errors"] == []
    assert await count(app, AuditEntry) > 0
