import asyncio
from datetime import UTC, datetime

import orjson
import pytest
import strawberry
from pydantic import BaseModel, SecretStr
from sqlalchemy import select
from sqlmodel import col
from tests.core.plugins.fakes import gold, plugin
from typer.testing import CliRunner, Result

from regulars.audit.models import AuditEntry
from regulars.cli.plugin import plugin_app
from regulars.database import Database, open_engine
from regulars.errors import InvalidInput
from regulars.events.models import EventDelivery
from regulars.events.service import record_event
from regulars.fields.declarations import resolver
from regulars.plugins.contributions import GraphQLPart
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.joining.configuration import InvalidSettings, UnknownSetting
from regulars.plugins.states import PluginWithheld, UnknownPlugin
from regulars.settings import Settings

pytestmark = pytest.mark.usefixtures("logging_restored", "tables")


class MailSettings(BaseModel):
    host: str
    password: SecretStr | None = None
    subjects: dict[str, str] = {}


@pytest.fixture
def tables(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands find a database with the newest tables."""
    monkeypatch.setenv("REGULARS_DATABASE_URL", database_url)


@strawberry.type
class Unheard:
    """A field whose type GraphQL does not know."""

    mail_number: complex | None = resolver(permission="customers:read", description="How many.")(lambda self: 1j)


class MailOfNoType:
    @hookimpl
    def graphql(self) -> GraphQLPart:
        return GraphQLPart({"Customer": Unheard})


def run(*words: str, answer: str | None = None, mail: object | None = None) -> Result:
    app = plugin_app(lambda _settings: (gold(), plugin("mail", mail, settings=MailSettings)))
    return CliRunner().invoke(app, list(words), input=answer)


async def audited(url: str) -> list[tuple[object, ...]]:
    """Return what the audit log holds, in the order in which it was done."""
    columns = (AuditEntry.actor, AuditEntry.action, AuditEntry.subject, AuditEntry.fields, AuditEntry.via)
    database = Database(open_engine(Settings(database_url=url)))
    async with database.reading() as session:
        rows = (await session.execute(select(*map(col, columns)).order_by(col(AuditEntry.id)))).all()
    await database.close()
    return [tuple(row) for row in rows]


def test_plugins_are_listed_with_their_states() -> None:
    listed = run("list")

    assert listed.exit_code == 0
    assert [line.split()[:3] for line in listed.stdout.splitlines()[1:]] == [
        ["gold", "1.0.0", "disabled"],
        ["mail", "1.0.0", "disabled"],
    ]


async def give_up(url: str) -> None:
    """Let an event have been given up by ``gold``, and another by ``mail``."""
    now = datetime(2026, 3, 2, tzinfo=UTC)
    database = Database(open_engine(Settings(database_url=url)))
    async with database.writing() as session:
        for handler in ("gold", "mail"):
            event = await record_event(session, type="x.happened", subject="x:1", actor="system", data={}, now=now)
            await session.flush()
            session.add(EventDelivery(event_id=event.id, handler=handler, attempts=10, next_at=None, failed_at=now))
    await database.close()


async def waiting(url: str) -> list[tuple[str, int]]:
    """Return the handlers that are to be told of something, with the attempts that were made."""
    database = Database(open_engine(Settings(database_url=url)))
    async with database.reading() as session:
        found = select(col(EventDelivery.handler), col(EventDelivery.attempts)).where(
            col(EventDelivery.failed_at).is_(None)
        )
        rows = (await session.execute(found)).all()
    await database.close()
    return [(handler, attempts) for handler, attempts in rows]


def test_a_plugin_that_was_mended_is_told_again_of_what_it_could_not_take(database_url: str) -> None:
    asyncio.run(give_up(database_url))

    told = run("tell-again", "gold")

    assert told.stdout == "1 events are told to gold again, by the next server or worker.\n"
    assert asyncio.run(waiting(database_url)) == [("gold", 0)]


def test_plugins_are_listed_for_programs() -> None:
    run("enable", "gold", "--yes")

    listed = orjson.loads(run("list", "--json").stdout)

    assert listed[0] == {
        "id": "gold",
        "version": "1.0.0",
        "state": "enabled",
        "reason": None,
        "hooks": [
            "customer_merged",
            "customer_unmerged",
            "migrations",
            "models",
            "personal_data_erase",
            "personal_data_export",
        ],
        "problems": [],
    }


def test_enabling_shows_the_plan_and_asks() -> None:
    refused = run("enable", "gold", answer="n\n")
    listed = orjson.loads(run("list", "--json").stdout)

    assert refused.exit_code == 1
    assert "gold_card" in refused.stdout
    assert listed[0]["state"] == "disabled"


def test_disabling_shows_the_plan_and_asks() -> None:
    run("enable", "gold", "--yes")

    done = run("disable", "gold", answer="y\n")

    assert done.exit_code == 0
    assert "Its data stay." in done.stdout
    assert done.stdout.endswith("gold: disabled\n")


def test_an_unknown_plugin_is_told_with_a_near_name() -> None:
    refused = run("enable", "golt", "--yes")

    assert isinstance(refused.exception, UnknownPlugin)
    assert isinstance(refused.exception, InvalidInput)
    assert "Did you mean 'gold'?" in str(refused.exception)


def test_missing_settings_keep_a_plugin_from_being_enabled() -> None:
    refused = run("enable", "mail", "--yes")

    assert isinstance(refused.exception, PluginWithheld)
    assert "regulars plugin config mail host=…" in refused.stdout


def test_the_plugin_that_the_schema_cannot_be_built_with_is_named_and_no_other() -> None:
    run("config", "mail", "host=mail.example")
    run("enable", "mail", "--yes")

    examined = run("doctor", mail=MailOfNoType())

    bad = [line for line in examined.stdout.splitlines() if line.startswith("BAD")]
    assert [line.partition(": TypeError")[0] for line in bad] == ["BAD  mail: joining"]


def test_settings_are_set_and_secrets_masked() -> None:
    shown = run("config", "mail", "host=mail.example", "password=hunter22")

    assert shown.exit_code == 0
    assert "mail.example" in shown.stdout
    assert "••••••••" in shown.stdout
    assert "hunter22" not in shown.stdout


def test_settings_are_shown_as_they_are_typed() -> None:
    shown = run("config", "mail", 'subjects={"de": "Schönen Tag"}')

    assert '{"de": "Schönen Tag"}' in shown.stdout


def test_a_setting_of_several_values_that_is_none_says_how_it_is_typed() -> None:
    refused = run("config", "mail", "subjects=hello")

    assert isinstance(refused.exception, InvalidSettings)
    assert 'subjects: write names with their values as JSON, such as {"name": "value"}.' in str(refused.exception)


def test_what_is_changed_by_command_stands_in_the_audit_log_without_values(database_url: str) -> None:
    run("config", "mail", "host=mail.example", "password=hunter22")
    run("enable", "mail", "--yes")
    run("disable", "mail", "--yes")
    run("config", "mail")

    assert asyncio.run(audited(database_url)) == [
        ("system", "pluginConfigure", "pluginConfigure:mail", ["host", "password"], "regulars plugin config"),
        ("system", "pluginEnable", "pluginEnable:mail", [], "regulars plugin enable"),
        ("system", "pluginDisable", "pluginDisable:mail", [], "regulars plugin disable"),
    ]


def test_what_is_refused_leaves_no_trace_in_the_audit_log(database_url: str) -> None:
    run("config", "mail", "hots=mail.example")
    run("enable", "mail", "--yes")
    run("disable", "golt", "--yes")

    assert asyncio.run(audited(database_url)) == []


def test_a_secret_can_be_typed_unseen() -> None:
    run("config", "mail", "password=-", answer="hunter22\n")

    shown = run("config", "mail")

    assert "••••••••" in shown.stdout
    assert "required" in shown.stdout


@pytest.mark.parametrize("word", ["host", "=mail.example", ""])
def test_a_setting_without_a_value_is_a_wrong_command(word: str) -> None:
    assert run("config", "mail", word).exit_code == 2


def test_an_unknown_setting_is_told() -> None:
    assert isinstance(run("config", "mail", "hots=mail.example").exception, UnknownSetting)


def test_a_plugin_without_settings_says_so() -> None:
    assert run("config", "gold").stdout == "gold has no settings.\n"


def test_the_doctor_ends_badly_when_something_is_bad() -> None:
    run("enable", "gold", "--yes")

    assert run("doctor", "gold").exit_code == 0
    assert run("doctor").exit_code == 1
    assert "BAD  mail: settings: It needs values for host." in run("doctor", "mail").stdout


def test_a_plan_is_shown_without_changing_anything() -> None:
    plan = run("plan", "gold")

    assert plan.exit_code == 0
    assert plan.stdout.startswith("Gold (gold 1.0.0)\n  revisions to run:\n    gold0001")
