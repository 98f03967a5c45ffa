"""Whoever follows a page gets what it shows."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from tests.docs.pages import DOCS, ROOT
from tests.docs.reader import Reader

from regulars.clock import SettableClock
from regulars.demo.preparation import history_for_demo, prepare_demo
from regulars.plugins.joining.discovery import found_plugin
from regulars.testing.app import App
from regulars.testing.databases import SqliteDatabases
from regulars.testing.fixtures import MakeApp
from regulars.testing.making import running_app
from regulars.web.background import running_background
from regulars_clv.manifest import manifest
from regulars_preference_centre.manifest import manifest as preference_centre


@pytest_asyncio.fixture
async def demo(sqlite_databases: SqliteDatabases, clock: SettableClock) -> AsyncIterator[App]:
    """The server of `regulars demo`, complete."""
    async with running_app(sqlite_databases, (), clock, company_currency="USD") as app:
        app.server.host.found["clv"] = found_plugin(manifest)
        async with running_background(app.server):
            await prepare_demo(app.server, history_for_demo(), progress=lambda _what, _done, _total: None)
            yield app


async def test_the_first_look_and_the_first_ten_minutes(demo: App, tmp_path: Path) -> None:
    glance, reader = Reader(tmp_path, demo), Reader(tmp_path, demo)

    await glance.follow(ROOT / "README.md")
    await reader.follow(DOCS / "tutorial" / "first-ten-minutes.md")

    assert (glance.done, reader.done > 15) == (1, True)


async def test_running_it(tmp_path: Path) -> None:
    reader = Reader(tmp_path, database_url=f"sqlite:///{tmp_path / 'shop.db'}")

    await reader.follow(DOCS / "how-to" / "run-it.md")

    assert reader.done > 5


async def test_keeping_in_step(make_app: MakeApp, tmp_path: Path) -> None:
    reader = Reader(tmp_path, await make_app(manifest))

    await reader.follow(DOCS / "how-to" / "keep-in-step-with-your-crm.md")

    assert reader.done > 5


async def test_sending_events(make_app: MakeApp, tmp_path: Path) -> None:
    reader = Reader(tmp_path, await make_app())

    await reader.follow(DOCS / "how-to" / "send-events.md")

    assert reader.done == 9


async def test_exporting(make_app: MakeApp, tmp_path: Path) -> None:
    reader = Reader(tmp_path, await make_app())

    await reader.follow(DOCS / "how-to" / "export.md")

    assert reader.done == 3


async def test_proving_what_happened(make_app: MakeApp, tmp_path: Path) -> None:
    reader = Reader(tmp_path, await make_app())

    await reader.follow(DOCS / "how-to" / "prove-what-happened.md")

    assert reader.done == 6


async def test_letting_customers_see_what_you_know(make_app: MakeApp, tmp_path: Path) -> None:
    reader = Reader(tmp_path, await make_app(preference_centre))

    await reader.follow(DOCS / "how-to" / "let-customers-see-what-you-know.md")

    assert reader.done == 3


async def test_what_the_explanations_show(make_app: MakeApp, tmp_path: Path) -> None:
    reader = Reader(tmp_path, await make_app())

    await reader.follow(DOCS / "explanation" / "how-a-field-is-obtained.md")

    assert reader.done == 1


async def test_signing_in(make_app: MakeApp, tmp_path: Path) -> None:
    reader = Reader(tmp_path, await make_app())

    await reader.follow(DOCS / "how-to" / "sign-in.md")

    assert reader.done == 2


async def test_sending_with_a_program_of_your_own(make_app: MakeApp, tmp_path: Path) -> None:
    reader = Reader(tmp_path, await make_app())

    await reader.follow(DOCS / "how-to" / "send-with-your-own-program.md")

    assert reader.done == 5


async def test_letting_customers_manage_their_choices(make_app: MakeApp, tmp_path: Path) -> None:
    reader = Reader(tmp_path, await make_app(preference_centre))

    await reader.follow(DOCS / "how-to" / "let-customers-manage-their-choices.md", without="sh")

    assert reader.done == 1
