"""Know at which revision each owner's tables are, and at which they should be, without running a revision."""

import re
from ast import literal_eval
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from regulars.errors import ConfigurationError

__all__ = [
    "CORE",
    "MigrationFailed",
    "MigrationOwner",
    "OwnerState",
    "RevisionsUnclear",
    "UnknownRevision",
    "current_revision",
    "state_of",
]

# What Alembic writes at the head of each file. It compiles and runs all files to learn as much, which takes a server
# longer than the rest of its start.
ASSIGNED = re.compile(r"^(revision|down_revision)\b[^=\n]*=(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class MigrationOwner:
    """Somebody who owns tables: the core, or a plugin.

    ``name`` is the prefix of the tables; ``location`` is ``package:folder`` with the revisions.
    """

    name: str
    location: str

    @property
    def version_table(self) -> str:
        """Return the name of the table that remembers this owner's revision."""
        return f"alembic_version_{self.name}"


CORE = MigrationOwner("core", "regulars_migrations:versions")


@dataclass(frozen=True)
class OwnerState:
    """Where an owner's tables are, and where they should be.

    ``is_known`` is false where this software has no such revision: the database is newer.
    """

    owner: str
    current: str | None
    newest: str | None
    is_known: bool = True

    @property
    def is_newest(self) -> bool:
        """Tell whether nothing is left to do."""
        return self.current == self.newest


class MigrationFailed(ConfigurationError):
    """A migration stopped; its transaction was rolled back."""

    code = "MIGRATION_FAILED"

    def __init__(self, owner: str, cause: BaseException) -> None:
        self.owner = owner
        super().__init__(
            f"The tables of {owner} could not be migrated: {cause}. Nothing of this step was kept."
            f" Mend the cause and run `regulars db upgrade` again."
        )


class UnknownRevision(ConfigurationError):
    """The database is newer than this software, or of another making."""

    code = "UNKNOWN_REVISION"

    def __init__(self, owner: str, revision: str) -> None:
        self.owner, self.revision = owner, revision
        super().__init__(
            f"The tables of {owner} are at revision {revision}, which this version does not know."
            f" Install the version that wrote them, or a newer one."
        )


class RevisionsUnclear(ConfigurationError):
    """The files of an owner's revisions do not say which one is the newest."""

    code = "REVISIONS_UNCLEAR"

    def __init__(self, owner: str, fault: str) -> None:
        self.owner = owner
        super().__init__(f"It is not clear which revision of {owner} is the newest: {fault}.")


async def current_revision(engine: AsyncEngine, owner: MigrationOwner) -> str | None:
    """Return the revision at which an owner's tables are; None before the first migration."""
    async with engine.connect() as connection:
        return await connection.run_sync(lambda sync: _revision_in(sync, owner))


def _revision_in(connection: Connection, owner: MigrationOwner) -> str | None:
    if not inspect(connection).has_table(owner.version_table):
        return None
    found: str | None = connection.scalar(text(f'SELECT version_num FROM "{owner.version_table}"'))  # noqa: S608
    return found


async def state_of(engine: AsyncEngine, owner: MigrationOwner) -> OwnerState:
    """Return where an owner's tables are and where this software wants them.

    Raises ``RevisionsUnclear``.
    """
    follows = _revisions(owner)
    current = await current_revision(engine, owner)
    return OwnerState(owner.name, current, _newest(owner, follows), current is None or current in follows)


def _newest(owner: MigrationOwner, follows: dict[str, tuple[str, ...]]) -> str | None:
    followed = {earlier for all_earlier in follows.values() for earlier in all_earlier}
    newest = sorted(follows.keys() - followed)
    if len(newest) > 1:
        raise RevisionsUnclear(owner.name, f"nothing follows {' nor '.join(newest)}. Let one of them follow the other")
    return newest[0] if newest else None


def _revisions(owner: MigrationOwner) -> dict[str, tuple[str, ...]]:
    """Return each revision with those that it follows."""
    package, _, folder = owner.location.partition(":")
    found = {}
    for file in _scripts(files(package).joinpath(*folder.split("/"))):
        said = dict(ASSIGNED.findall(file.read_text(encoding="utf-8")))
        try:
            revision, earlier = literal_eval(said["revision"].strip()), literal_eval(said["down_revision"].strip())
        except (KeyError, SyntaxError, ValueError) as error:
            fault = f"{file.name} does not give revision and down_revision as plain text, on a line each"
            raise RevisionsUnclear(owner.name, fault) from error
        found[revision] = (earlier,) if isinstance(earlier, str) else tuple(earlier or ())
    return found


def _scripts(folder: Traversable) -> Iterator[Traversable]:
    if folder.is_dir():
        for entry in folder.iterdir():
            if entry.name.endswith(".py") and not entry.name.startswith(("__init__", ".#")):
                yield entry
