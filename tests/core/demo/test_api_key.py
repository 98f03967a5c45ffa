import stat
from datetime import timedelta
from pathlib import Path

import pytest

from regulars.access.actors import SYSTEM
from regulars.access.refusals import Unauthenticated
from regulars.access.service import list_keys, revoke_key
from regulars.demo.api_key import kept_key
from regulars.testing.app import App


async def test_the_key_opens_everything_for_a_year(app: App, tmp_path: Path) -> None:
    key = await kept_key(app.server, tmp_path / "demo-data" / "api-key")

    app.clock.advance(timedelta(days=364))
    actor = await app.server.actor(f"Bearer {key}")
    assert actor.permissions == app.actor("admin").permissions


async def test_the_next_start_shows_the_same_key(app: App, tmp_path: Path) -> None:
    first = await kept_key(app.server, tmp_path / "api-key")

    again = await kept_key(app.server, tmp_path / "api-key")

    assert again == first


def modes_in(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


async def test_only_its_owner_may_read_the_file(app: App, tmp_path: Path) -> None:
    await kept_key(app.server, tmp_path / "api-key")

    assert modes_in(tmp_path) == {"api-key": 0o600}


async def test_a_key_that_has_ended_is_replaced(app: App, tmp_path: Path) -> None:
    first = await kept_key(app.server, tmp_path / "api-key")
    async with app.database.writing() as session:
        [listed] = await list_keys(session, now=app.clock.now())
        await revoke_key(session, key_id=listed.key.id, actor=SYSTEM, now=app.clock.now())
    app.clock.advance(timedelta(seconds=6))

    second = await kept_key(app.server, tmp_path / "api-key")

    assert second != first
    with pytest.raises(Unauthenticated):
        await app.server.actor(f"Bearer {first}")


async def test_a_file_that_says_nothing_useful_is_replaced(app: App, tmp_path: Path) -> None:
    (tmp_path / "api-key").write_text("rgl_broken off", encoding="utf-8")

    key = await kept_key(app.server, tmp_path / "api-key")

    assert (tmp_path / "api-key").read_text(encoding="utf-8") == f"{key}\n"
