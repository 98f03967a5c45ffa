"""The newest revision is known from the heads of the files, as Alembic knows it, and none of them is run for it."""

import sys
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from regulars.database import Database
from regulars.revisions import CORE, MigrationOwner, RevisionsUnclear, state_of


@pytest.fixture
def tea(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MigrationOwner:
    """Give an owner whose revisions are written by the test."""
    (tmp_path / "tea_revisions" / "versions").mkdir(parents=True)
    (tmp_path / "tea_revisions" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tea_revisions", raising=False)
    return MigrationOwner("tea", "tea_revisions:versions")


def write(folder: Path, name: str, text: str) -> None:
    (folder / "tea_revisions" / "versions" / name).write_text(f"{text}\nraise SystemExit('this ran')\n")


async def test_it_is_the_one_that_alembic_names(database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", "regulars_migrations:")

    state = await state_of(database.engine, CORE)

    assert state.newest == ScriptDirectory.from_config(config).get_current_head()


async def test_alembics_own_spellings_are_read(tea: MigrationOwner, database: Database, tmp_path: Path) -> None:
    write(tmp_path, "a_first.py", "revision: str = 'a'\ndown_revision: Union[str, None] = None")
    write(tmp_path, "b_left.py", 'revision = "b"\ndown_revision = "a"')
    write(tmp_path, "c_right.py", 'revision = "c"\ndown_revision = "a"')
    write(tmp_path, "d_both.py", 'revision: str = "d"\ndown_revision: Union[str, Sequence[str], None] = ("b", "c")')
    write(tmp_path, "__init__.py", "")

    state = await state_of(database.engine, tea)

    assert (state.current, state.newest, state.is_known) == (None, "d", True)


async def test_two_newest_ones_are_named(tea: MigrationOwner, database: Database, tmp_path: Path) -> None:
    write(tmp_path, "a.py", "revision = 'a'\ndown_revision = None")
    write(tmp_path, "b.py", "revision = 'b'\ndown_revision = None")

    with pytest.raises(RevisionsUnclear, match="nothing follows a nor b"):
        await state_of(database.engine, tea)


@pytest.mark.parametrize("head", ["", "revision = 'a'", "revision = NAME\ndown_revision = None", "revision = (\n'a')"])
async def test_a_file_that_does_not_say_is_named(
    head: str, tea: MigrationOwner, database: Database, tmp_path: Path
) -> None:
    write(tmp_path, "odd.py", head)

    with pytest.raises(RevisionsUnclear, match=r"odd\.py does not give revision and down_revision"):
        await state_of(database.engine, tea)


async def test_an_owner_without_files_has_no_newest_one(tea: MigrationOwner, database: Database) -> None:
    state = await state_of(database.engine, tea)

    assert (state.current, state.newest) == (None, None)
