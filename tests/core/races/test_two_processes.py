from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen
from uuid import UUID

import pytest
from sqlalchemy import func, or_, select
from sqlmodel import col
from tests.core.forking import Processes, forker
from tests.core.privacy.canaries import Canary, found_in
from tests.core.races.racing import ALLOWED, race
from tests.plan import Figures

from regulars.access.actors import SYSTEM
from regulars.access.owners import ForService, ForSource
from regulars.access.permissions import CORE_PERMISSIONS
from regulars.access.server_secret import ensure_server_secret
from regulars.access.service import create_key
from regulars.consents.changes import ConsentChange
from regulars.consents.registry import core_consent_registry
from regulars.consents.service import record_consent
from regulars.contact.models import ContactTouch
from regulars.customers.changes import CustomerChanges
from regulars.customers.identities import read_identity
from regulars.customers.models import Customer
from regulars.customers.service import create_customer
from regulars.database import Database
from regulars.events.models import Event
from regulars.personal import refers_to_customer
from regulars.privacy.erasure import KEPT
from regulars.privacy.storage import clean_storage
from regulars.tables import Table
from regulars.traits.registry import trait_registry
from regulars.traits.service import define_trait

pytestmark = [pytest.mark.row(7), pytest.mark.timeout(180)]

SIZES = [50, pytest.param(500, marks=pytest.mark.full)]
HOUSE_CAP = 3
CORE = "core_"
"""How many contacts a week the policy allows that comes with the tables."""


@pytest.fixture(scope="session")
def loaded() -> Iterator["Popen[str]"]:
    """Give a process that forks racers quickly."""
    with forker("tests.core.races.racing") as process:
        yield process


@pytest.fixture
def racers(loaded: "Popen[str]") -> Iterator[Processes]:
    """Give processes that end with the test."""
    started = Processes(loaded)
    yield started
    started.kill_all()


@pytest.mark.parametrize("turns", SIZES)
async def test_two_processes_that_merge_each_into_the_other_make_one_of_each_pair(
    racers: Processes, database: Database, database_url: str, tmp_path: Path, turns: int, figures: Figures
) -> None:
    pairs = [[await new_customer(database), await new_customer(database)] for _ in range(turns)]

    first, second = await race(racers, ["first merger", "second merger"], database_url, tmp_path, turns=pairs)

    figures(race="merge A into B, B into A", pairs=turns, won_by_first=first.count("merged"))
    assert [sorted(both) for both in zip(first, second, strict=True)] == [["merged", "refused"]] * turns
    async with database.reading() as session:
        customers = (await session.scalars(select(Customer))).all()
    survivors = {customer.id for customer in customers if customer.merged_into_id is None}
    assert (len(customers), len(survivors)) == (2 * turns, turns)
    assert {customer.merged_into_id for customer in customers} - {None} == survivors


@pytest.mark.parametrize("turns", SIZES)
async def test_two_processes_that_ask_under_the_same_keys_have_one_effect_each(
    racers: Processes, database: Database, database_url: str, tmp_path: Path, turns: int, figures: Figures
) -> None:
    names = [f"Customer {number}" for number in range(turns)]
    key = await admin_key(database)

    first, second = await race(racers, ["asker", "asker"], database_url, tmp_path, turns=names, key=key)

    figures(race="idempotency keys", keys=turns)
    assert first == second
    assert len(set(first)) == turns
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Customer)) == turns
        assert await session.scalar(select(func.count(col(Customer.display_name).distinct()))) == turns


@pytest.mark.parametrize("turns", SIZES)
async def test_two_processes_that_reserve_the_last_slots_at_once_take_exactly_as_many_as_there_are(
    racers: Processes, database: Database, database_url: str, tmp_path: Path, turns: int, figures: Figures
) -> None:
    customers = [await willing_customer(database) for _ in range(turns)]

    first, second = await race(racers, ["reserver", "reserver"], database_url, tmp_path, turns=customers, step_ms=80)

    won = [answers.count(ALLOWED) for answers in first]
    figures(race="the last slots under a cap", customers=turns, shared=sum(0 < count < HOUSE_CAP for count in won))
    assert [sorted(mine + others) for mine, others in zip(first, second, strict=True)] == [
        [ALLOWED] * HOUSE_CAP + [["DEFER", "frequency_cap"]]
    ] * turns
    async with database.reading() as session:
        held = select(col(ContactTouch.customer_id), col(ContactTouch.state), func.count())
        rows = await session.execute(held.group_by(col(ContactTouch.customer_id), col(ContactTouch.state)))
        assert sorted(rows.all()) == sorted((UUID(customer), "reserved", HOUSE_CAP) for customer in customers)


@pytest.mark.parametrize("turns", SIZES)
async def test_a_process_confirms_no_contact_once_another_has_recorded_a_withdrawal(
    racers: Processes, database: Database, database_url: str, tmp_path: Path, turns: int, figures: Figures
) -> None:
    plan = [{"customer": await willing_customer(database), "wait_ms": number % 10 * 7} for number in range(turns)]
    key = await admin_key(database)

    sent, withdrawn = await race(
        racers, ["sender", "withdrawer"], database_url, tmp_path, turns=plan, key=key, step_ms=160
    )

    sends = [len(one["sends"]) for one in sent]
    figures(
        race="withdrawal and send",
        withdrawals=turns,
        sends=sum(sends),
        stopped_before_hand_over=sum(one["refused"][-1] == "confirm" for one in sent),
    )
    assert {tuple(one["refused"][:2]) for one in sent} == {("DENY", "global_opt_out")}
    assert not [one for one, at in zip(sent, withdrawn, strict=True) if max(one["sends"], default=0) > at]
    told = [await told_in_order(database, str(one["customer"])) for one in plan]
    assert told == [["contact.confirmed"] * count + ["consent.withdrawn"] for count in sends]


@pytest.mark.parametrize("turns", [50, pytest.param(300, marks=pytest.mark.full)])
async def test_of_whoever_one_process_erases_nothing_is_left_that_another_tells_at_that_moment(
    racers: Processes, database: Database, database_url: str, tmp_path: Path, turns: int, figures: Figures
) -> None:
    words = [f"canary{number:04d}bird" for number in range(turns)]
    plan = [{"customer": await named_customer(database, word), "word": word} for word in words]
    keys = {"key": await admin_key(database), "write_key": await write_key(database)}
    await define_motto(database)

    erased, told = await race(racers, ["eraser", "enricher"], database_url, tmp_path, turns=plan, step_ms=130, **keys)

    figures(race="erase and enrich", customers=turns, told_before=sum(sum(rows.values()) > 20 for rows in erased))
    canaries = [Canary(number, UUID(str(one["customer"]))) for number, one in enumerate(plan)]
    await clean_storage(database, tables=())
    found = await found_in(database, canaries)
    assert found == dict.fromkeys(range(turns), 0), [told[number] for number, count in found.items() if count]
    assert await rows_about(database, [canary.id for canary in canaries]) == {}


async def rows_about(database: Database, ids: Sequence[UUID]) -> dict[str, int]:
    """Return how many rows of which tables of the core refer to these customers, without what an erasure keeps."""
    counts = {}
    async with database.reading() as session:
        for table in Table.metadata.sorted_tables:
            theirs = [column.in_(ids) for column in table.columns if refers_to_customer(column)]
            if theirs and table.name.startswith(CORE) and table.name not in KEPT:
                counts[table.name] = await session.scalar(select(func.count()).select_from(table).where(or_(*theirs)))
    return {name: count for name, count in counts.items() if count}


async def named_customer(database: Database, word: str) -> str:
    identities = [read_identity("email", f"{word}@example.org"), read_identity("external", word, "site")]
    async with database.writing() as session:
        customer = await create_customer(
            session,
            changes=CustomerChanges(display_name=word),
            identities=identities,
            actor=SYSTEM,
            now=datetime.now(UTC),
        )
    return str(customer.id)


async def define_motto(database: Database) -> None:
    async with database.writing() as session:
        await define_trait(
            session,
            key="motto",
            title="Motto",
            type="text",
            provenance="declared",
            registry=trait_registry({}),
            actor=SYSTEM,
            now=datetime.now(UTC),
        )


async def new_customer(database: Database) -> str:
    async with database.writing() as session:
        customer = await create_customer(
            session, changes=CustomerChanges(), identities=[], actor=SYSTEM, now=datetime.now(UTC)
        )
    return str(customer.id)


async def admin_key(database: Database) -> str:
    return await key_for(database, ForService("admin"))


async def write_key(database: Database) -> str:
    return await key_for(database, ForSource("site"))


async def key_for(database: Database, owner: ForService | ForSource) -> str:
    async with database.writing() as session:
        issued = await create_key(
            session,
            name="race",
            owner=owner,
            permissions=CORE_PERMISSIONS,
            secret=await ensure_server_secret(session, configured=""),
            actor=SYSTEM,
            now=datetime.now(UTC),
        )
    return issued.text


async def willing_customer(database: Database) -> str:
    customer_id = await new_customer(database)
    said = ConsentChange(
        customer_id=UUID(customer_id),
        action="grant",
        purpose="marketing.own",
        channel="email",
        reason="said so",
        notice_version="n1",
        language="en",
    )
    async with database.writing() as session:
        await record_consent(
            session, change=said, registry=core_consent_registry(), actor=SYSTEM, now=datetime.now(UTC)
        )
    return customer_id


async def told_in_order(database: Database, customer_id: str) -> list[str]:
    told = col(Event.type).in_(["contact.confirmed", "consent.withdrawn"])
    query = select(col(Event.type)).where(col(Event.subject) == f"customer:{customer_id}", told)
    async with database.reading() as session:
        return list(await session.scalars(query.order_by(col(Event.id))))
