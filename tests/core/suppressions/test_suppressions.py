"""The suppression list, asked and changed over GraphQL."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from typer.testing import CliRunner

from regulars.access.actors import SYSTEM
from regulars.access.models import Secret
from regulars.access.server_secret import SERVER_SECRET
from regulars.cli.imports import app as imports
from regulars.customers.identities import Identity, read_identity
from regulars.database import Database, open_engine
from regulars.settings import Settings
from regulars.suppressions.addresses import AddressKey
from regulars.suppressions.lookups import suppressions_of_addresses
from regulars.suppressions.models import Suppression
from regulars.suppressions.secret_key import OtherListSecret, address_key, ensure_address_key
from regulars.suppressions.service import suppress_erased
from regulars.testing.app import App

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)

ADD = """mutation ($input: SuppressionAddInput!) {
  suppressionAdd(input: $input) { suppression { id kind channel isOfAddress } errors { code path } }
}"""
LIFT = """mutation ($id: ID!) {
  suppressionLift(input: {id: $id, reason: "They asked us."}) { suppression { liftedAt } errors { code } }
}"""
OF_CUSTOMERS = "{ customers { nodes { displayName isScored suppressions { kind channel isOfAddress } } } }"
ANNA = {"kind": "email", "value": "Anna@Example.org"}
CREATE = """mutation ($input: CustomerCreateInput!) {
  customerCreate(input: $input) { customer { id } errors { code message } }
}"""


async def add(app: App, **input: object) -> dict[str, Any]:
    added = await app.gql(ADD, {"input": {"reason": "A test says so.", **input}})
    payload: dict[str, Any] = added["suppressionAdd"]
    return payload


async def entries(app: App) -> list[Suppression]:
    async with app.database.reading() as session:
        return list(await session.scalars(select(Suppression)))


async def test_an_address_is_kept_as_a_keyed_hash_alone(app: App) -> None:
    added = await add(app, kind="hard_bounce", channel="email", identity=ANNA)

    assert added["errors"] == []
    (entry,) = await entries(app)
    assert entry.address_hash is not None
    assert len(entry.address_hash) == 64
    assert "anna" not in repr(entry.model_dump()).lower()


async def test_what_is_on_the_list_already_is_not_put_there_twice(app: App) -> None:
    first = await add(app, kind="complaint", channel="email", identity=ANNA)

    second = await add(app, kind="complaint", channel="email", identity={"kind": "email", "value": "anna@example.ORG"})

    assert first == second
    assert len(await entries(app)) == 1
    assert len(await app.events("suppression.added")) == 1


async def test_an_entry_follows_the_address_to_everybody_who_has_it(app: App) -> None:
    await app.add_customer("Before", email="anna@example.org")
    await add(app, kind="hard_bounce", channel="email", identity=ANNA)
    await app.add_customer("After", email="anna@example.org")
    await app.add_customer("Else", email="else@example.org")

    answer = await app.gql(OF_CUSTOMERS)

    bounced = [{"kind": "hard_bounce", "channel": "email", "isOfAddress": True}]
    assert {each["displayName"]: each["suppressions"] for each in answer["customers"]["nodes"]} == {
        "Before": bounced,
        "After": bounced,
        "Else": [],
    }


async def test_an_entry_about_a_customer_follows_merges_and_comes_back(app: App) -> None:
    anna, other = await app.add_customer("Anna"), await app.add_customer("Other")
    await add(app, kind="complaint", customerId=str(other))

    merge = await app.merge(survivor=anna, merged=other)
    merged = (await app.gql(OF_CUSTOMERS))["customers"]["nodes"]
    await app.unmerge(merge)
    parted = (await app.gql(OF_CUSTOMERS))["customers"]["nodes"]

    assert [len(each["suppressions"]) for each in merged] == [1]
    assert {each["displayName"]: len(each["suppressions"]) for each in parted} == {"Anna": 0, "Other": 1}


async def test_a_lifted_entry_stays_on_record_and_no_longer_stands(app: App) -> None:
    added = await add(app, kind="hard_bounce", identity=ANNA)
    id = added["suppression"]["id"]

    lifted = await app.gql(LIFT, {"id": id})
    again = await app.gql(LIFT, {"id": id})

    assert lifted["suppressionLift"]["suppression"]["liftedAt"] is not None
    assert again["suppressionLift"]["errors"] == [{"code": "FORBIDDEN_TRANSITION"}]
    asked = "query ($identity: IdentityInput!) { suppressionsOf(identity: $identity) { kind } }"
    assert (await app.gql(asked, {"identity": ANNA}))["suppressionsOf"] == []
    assert (await app.gql("{ suppressions { nodes { liftedBy liftReason } } }"))["suppressions"]["nodes"][0] == {
        "liftedBy": app.actor("admin").label,
        "liftReason": "They asked us.",
    }


async def test_an_entry_needs_a_known_kind_a_known_channel_and_one_of_two(app: App) -> None:
    both = await add(app, kind="hard_bounce", identity=ANNA, customerId=str(await app.add_customer("Anna")))
    neither = await add(app, kind="hard_bounce")
    kind = await add(app, kind="bounced", identity=ANNA)
    channel = await add(app, kind="hard_bounce", channel="pigeon", identity=ANNA)

    assert [each["errors"][0]["code"] for each in (both, neither, kind, channel)] == [
        "INVALID",
        "INVALID",
        "UNKNOWN_VALUE",
        "UNKNOWN_VALUE",
    ]
    assert await entries(app) == []


async def test_many_addresses_are_looked_up_in_one_statement(app: App) -> None:
    await add(app, kind="hard_bounce", channel="email", identity=ANNA)
    await add(app, kind="complaint", channel="sms", identity=ANNA)
    many = [read_identity("email", f"person{number}@example.org") for number in range(40_000)]

    async with app.database.reading() as session:
        asked = [*many, read_identity("email", "anna@example.org")]
        found = await suppressions_of_addresses(session, identities=asked, channel="email")

    assert [(identity.normalised, [entry.kind for entry in of]) for identity, of in found.items()] == [
        ("anna@example.org", ["hard_bounce"])
    ]


def test_two_secrets_give_two_hashes_and_neither_gives_the_address_away() -> None:
    anna = Identity("email", "Anna@example.org", "anna@example.org")

    hashes = {AddressKey.of(secret).hash(anna) for secret in ("one", "two")}

    assert len(hashes) == 2


async def test_whoever_opted_out_is_not_scored_until_they_opt_in(app: App) -> None:
    anna = await app.add_customer("Anna", email="anna@example.org")
    out = "mutation ($input: ScoringChoiceInput!) { scoringOptOut(input: $input) { errors { code } } }"
    back = "mutation ($input: ScoringChoiceInput!) { scoringOptIn(input: $input) { lifted errors { code } } }"
    scored = "{ customers { nodes { isScored } } }"

    await app.gql(out, {"input": {"identity": ANNA, "reason": "By the form."}}, as_="frontline")
    await app.gql(out, {"input": {"customerId": str(anna), "reason": "By telephone."}}, as_="frontline")
    during = (await app.gql(scored))["customers"]["nodes"]
    lifted = await app.gql(back, {"input": {"customerId": str(anna), "reason": "Asked for it."}}, as_="frontline")
    after = (await app.gql(scored))["customers"]["nodes"]

    assert during == [{"isScored": False}]
    assert lifted["scoringOptIn"] == {"lifted": 2, "errors": []}
    assert after == [{"isScored": True}]


async def test_an_opt_out_by_address_creates_no_customer_and_holds_for_whoever_comes_with_it(app: App) -> None:
    out = "mutation ($input: ScoringChoiceInput!) { scoringOptOut(input: $input) { errors { code } } }"
    await app.gql(out, {"input": {"identity": ANNA, "reason": "By the form."}})
    nobody = (await app.gql("{ customers { totalCount } }"))["customers"]["totalCount"]

    await app.add_customer("Anna", email="anna@example.org")

    assert nobody == 0
    assert (await app.gql("{ customers { nodes { isScored } } }"))["customers"]["nodes"] == [{"isScored": False}]


async def test_an_erased_address_is_refused_until_its_entry_is_lifted(app: App) -> None:
    added = await add(app, kind="erased", identity=ANNA)

    refused = await app.gql(CREATE, {"input": {"displayName": "Anna", "identities": [ANNA]}})
    none = (await app.gql("{ customers { totalCount } }"))["customers"]["totalCount"]
    await app.gql(LIFT, {"id": added["suppression"]["id"]})
    accepted = await app.gql(CREATE, {"input": {"displayName": "Anna", "identities": [ANNA]}})

    assert refused["customerCreate"]["errors"][0]["code"] == "ADDRESS_ERASED"
    assert "anna" not in refused["customerCreate"]["errors"][0]["message"].lower()
    assert none == 0
    assert accepted["customerCreate"]["errors"] == []


async def test_an_erased_address_that_somebody_else_has_too_stays_theirs(app: App) -> None:
    await app.add_customer("Berta", email="anna@example.org")
    await add(app, kind="erased", identity=ANNA)

    accepted = await app.gql(CREATE, {"input": {"displayName": "Carl", "identities": [ANNA]}})

    assert accepted["customerCreate"]["errors"] == []


async def test_a_list_that_was_written_under_another_secret_is_not_read_with_todays(app: App) -> None:
    async with app.database.writing() as session:
        (await session.get_one(Secret, SERVER_SECRET)).value = "another"

    with pytest.raises(OtherListSecret, match="REGULARS_FORMER_SECRETS"):
        async with app.database.reading() as session:
            await address_key(session)


async def test_a_former_secret_keeps_the_list_readable(database: Database, database_url: str) -> None:
    url = database_url
    before, after = (
        Database(open_engine(Settings(database_url=url, secret=SecretStr(today), former_secrets=former)))
        for today, former in (("one", ()), ("two", (SecretStr("one"),)))
    )
    async with before.writing() as session:
        first = await ensure_address_key(session)

    async with after.writing() as session:
        second = await ensure_address_key(session)

    assert first == second
    await before.close()
    await after.close()


def test_an_import_refuses_whoever_was_erased_and_keeps_nothing_of_their_rows(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logging_restored: None
) -> None:
    monkeypatch.setenv("REGULARS_DATABASE_URL", database_url)
    asyncio.run(erase_anna(database_url))
    customers = tmp_path / "customers.csv"
    customers.write_text("email,display_name\nanna@example.org,Anna Canary\nbob@example.org,Bob\n")
    touchpoints = tmp_path / "touchpoints.csv"
    touchpoints.write_text("email,type,occurred_at,external_id\nanna@example.org,order,2026-01-05T10:00:00Z,o1\n")

    commands = (
        ["customers", str(customers)],
        ["touchpoints", str(touchpoints), "--create-customers", "--source", "shop"],
    )
    told = [CliRunner().invoke(imports, [*words, "--json"], catch_exceptions=False) for words in commands]

    assert [json.loads(each.stdout)["created"] for each in told] == [1, 0]
    kept = [path.read_text() for path in sorted(tmp_path.glob("*.rejected.csv"))]
    assert [text.count("ADDRESS_ERASED") for text in kept] == [1, 1]
    assert not any("anna" in text.lower() for text in (*kept, *(each.stdout for each in told)))


async def erase_anna(url: str) -> None:
    database = Database(open_engine(Settings(database_url=url)))
    async with database.writing() as session:
        anna = read_identity("email", "anna@example.org")
        await suppress_erased(session, identities=[anna], reason="asked for it", actor=SYSTEM, now=NOW)
    await database.close()
