import orjson
import pytest
from tests.core.plugins.conftest import MakeHost, make_host
from tests.core.plugins.fakes import plugin

from regulars.checkup.service import check_plugins
from regulars.cli.main import run

__all__ = ["make_host"]


async def test_a_plugin_that_is_wanted_and_does_not_work_is_told(make_host: MakeHost) -> None:
    first = await make_host(plugin("gold", object()))
    await first.enable("gold")
    second = await make_host()

    findings = await check_plugins(second)

    assert [(finding.subject, finding.level) for finding in findings] == [("plugins", "problem")]
    assert "gold" in findings[0].message
    assert "regulars plugin doctor gold" in findings[0].next_step


async def test_a_plugin_that_had_trouble_is_told(make_host: MakeHost) -> None:
    host = await make_host(plugin("gold", object()))
    await host.enable("gold")
    host.problems.report("gold", "events", "3 events were given up.", True)
    await host.problems.settle()

    findings = await check_plugins(host)

    assert [finding.level for finding in findings] == ["warning"]
    assert "3 events were given up." in findings[0].message


async def test_plugins_that_work_are_counted(make_host: MakeHost) -> None:
    host = await make_host(plugin("gold", object()))
    await host.enable("gold")

    findings = await check_plugins(host)

    assert [(finding.level, finding.message) for finding in findings] == [("well", "1 enabled, and none has trouble.")]


@pytest.mark.usefixtures("logging_restored")
def test_the_command_tells_programs_what_it_found(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REGULARS_DATABASE_URL", database_url)
    monkeypatch.delenv("REGULARS_SECRET", raising=False)

    code = run(["doctor", "--json"])

    told = orjson.loads(capsys.readouterr().out)
    warned = next(finding for finding in told["findings"] if finding["level"] == "warning")
    assert (code, told["exitCode"], warned["subject"]) == (3, 3, "secret")
    assert "REGULARS_SECRET" in warned["nextStep"]


@pytest.mark.usefixtures("logging_restored")
def test_the_command_tells_settings_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REGULARS_PORT", "eighty")

    code = run(["doctor"])

    assert code == 1
    assert capsys.readouterr().out.startswith("BAD   settings: REGULARS_PORT")


@pytest.mark.usefixtures("logging_restored")
def test_the_command_says_what_to_do_where_there_are_no_tables(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REGULARS_DATABASE_URL", empty_database_url)

    code = run(["doctor"])

    assert code == 1
    assert "Run `regulars db upgrade`." in capsys.readouterr().out
