"""A plugin promises to be what its manifest says, to load beside others, and to leave nothing when it is disabled."""

import difflib

import orjson
from graphql import is_input_object_type, is_object_type

from regulars.graphql.holder import schema_of
from regulars.plugins.joining.configuration import settings_schema
from regulars.testing.app import App
from regulars.testing.promises.fields import built
from regulars.testing.promises.preparation import Candidate, enabled_in, manifest_in

__all__ = [
    "check_disabled",
    "check_loads_alone",
    "check_loads_with_others",
    "check_manifest",
    "check_type_names",
]


async def check_manifest(candidate: Candidate) -> None:
    """Check that the manifest is accepted and that every setting can be shown in a form with what it means."""
    assert candidate.plugin.withheld is None, str(candidate.plugin.withheld)
    schema = settings_schema(candidate.manifest)
    orjson.dumps(schema)
    silent = [name for name, setting in schema.get("properties", {}).items() if not setting.get("description")]
    assert not silent, f"The settings {', '.join(silent)} have no description, so nobody knows what to enter."


async def check_loads_alone(candidate: Candidate) -> None:
    """Check that the plugin can be enabled on a server with nothing else but what it needs."""
    app = await candidate.app()
    enabled_in(app, candidate.plugin)


async def check_loads_with_others(candidate: Candidate) -> None:
    """Check that the plugin can be enabled beside every other plugin that is installed."""
    taken = {candidate.plugin.id, *(plugin.id for plugin in candidate.needed())}
    others = [found for found in candidate.installed() if found.id not in taken]
    app = await candidate.make_app(*candidate.needed(), candidate.given(), *others)
    enabled_in(app, candidate.plugin)


async def check_disabled(candidate: Candidate) -> None:
    """Check that the schema without the plugin is the same, byte for byte, once the plugin was enabled and disabled."""
    without = _built_anew(await candidate.make_app(*candidate.needed()))
    app = await candidate.app()
    enabled = _built_anew(app)
    await app.server.host.disable(candidate.plugin.id)
    disabled = _built_anew(app)
    assert disabled == without, _difference(without, disabled)
    await app.server.host.enable(candidate.plugin.id)
    again = _built_anew(app)
    assert again == enabled, _difference(enabled, again)


async def check_type_names(candidate: Candidate) -> None:
    """Check that the manifest claims every GraphQL type that the plugin brings, so that collisions are seen at load."""
    schema = (await built(await candidate.app())).graphql
    brought = set()
    for name, kind in schema.type_map.items():
        definition = kind.extensions.get("strawberry-definition")
        if (is_object_type(kind) or is_input_object_type(kind)) and definition is not None:
            is_own = not definition.origin.__module__.startswith("regulars.")
            if is_own and definition.concrete_of is None:
                brought.add(name)
    needed = {name for plugin in candidate.needed() for name in manifest_in(plugin).graphql_types}
    missing = brought - needed - set(candidate.manifest.graphql_types)
    assert not missing, f"Add {', '.join(sorted(missing))} to graphql_types in the manifest of {candidate.plugin.id}."


def _built_anew(app: App) -> str:
    # Servers of tests share their schemas, and a plugin may have changed what they are made of.
    return schema_of(app.server.plugins).sdl()


def _difference(expected: str, found: str) -> str:
    lines = difflib.unified_diff(expected.splitlines(), found.splitlines(), "expected", "found", lineterm="", n=1)
    return "The schema differs:\n" + "\n".join(list(lines)[:40])
