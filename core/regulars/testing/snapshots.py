"""Keep what a plugin adds to the schema beside its tests, so that a change of it is seen by whoever reviews it."""

import difflib
import os
from pathlib import Path

from regulars.graphql.schema.composition import CORE_OWNER
from regulars.testing.app import App

__all__ = ["UPDATE", "assert_schema_snapshot", "schema_of_plugins"]

UPDATE = "REGULARS_UPDATE_SNAPSHOTS"


async def assert_schema_snapshot(app: App, path: Path) -> None:
    """Compare what the server's plugins add to the schema with the file; with ``REGULARS_UPDATE_SNAPSHOTS=1`` write it.

    Fields that go or change break whoever asks for them: deprecate them first, and let two minor versions pass.
    """
    _compare(await schema_of_plugins(app), path)


async def schema_of_plugins(app: App) -> str:
    """Return a line for each field of the plugins that are enabled: its arguments, its type, and the permission.

    What types of the core gain comes first.
    """
    schema = (await app.server.executor()).schema
    of_the_core = {path.partition(".")[0] for path, owner in schema.owners.items() if owner == CORE_OWNER}
    lines = []
    for path, owner in schema.owners.items():
        if owner != CORE_OWNER:
            type_name, _, name = path.partition(".")
            field = schema.graphql.type_map[type_name].fields[name]  # type: ignore[attr-defined]  # owners name objects
            given = ", ".join(f"{word}: {argument.type}" for word, argument in field.args.items())
            line = f"{path}{f'({given})' if given else ''}: {field.type}  # {schema.permissions[path]}"
            lines.append((type_name not in of_the_core, line))
    return "\n".join([*(line for _, line in sorted(lines)), ""])


def _compare(found: str, path: Path) -> None:
    if os.environ.get(UPDATE):
        path.write_text(found, encoding="utf-8")
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    difference = "\n".join(difflib.unified_diff(kept.splitlines(), found.splitlines(), str(path), "now", lineterm=""))
    assert found == kept, f"The schema is not as it was. Run the tests with {UPDATE}=1 if that is meant.\n{difference}"
