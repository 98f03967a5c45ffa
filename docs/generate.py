"""Write the reference pages from the code, or say which of them are stale.

python docs/generate.py          write them
python docs/generate.py --check  exit with 1 when one is stale
"""

import inspect
import sys
from importlib.metadata import entry_points
from pathlib import Path

from plugin_names import plugin_names_page
from pydantic import BaseModel

from regulars.access.permissions import CORE_PERMISSIONS, ROLES
from regulars.events.envelope import EventEnvelope
from regulars.graphql.schema.building import BuiltSchema, build_schema
from regulars.graphql.schema.core_parts import schema_parts
from regulars.plugins import hookspecs
from regulars.plugins.contributions import GraphQLPart, Trait
from regulars.plugins.manifest import PluginManifest
from regulars.plugins.plugin_set import Contributions, EnabledPlugin, PluginSet
from regulars.settings import Settings

REFERENCE = Path(__file__).parent / "reference"
GENERATED = "<!-- Written by docs/generate.py from the code: change that, not this page. -->\n"


def hook_names() -> list[str]:
    """Return the hooks of the contract, in the order of the file."""
    return [name for name, value in vars(hookspecs).items() if hasattr(value, "regulars_spec")]


def manifests() -> list[PluginManifest]:
    """Return the manifests of the first-party plugins."""
    return [
        point.load() for point in sorted(entry_points(group="regulars")) if point.dist and point.dist.name == "regulars"
    ]


def enabled(manifest: PluginManifest) -> EnabledPlugin:
    """Return a plugin as the schema sees it when it is enabled."""
    module = __import__(manifest.implementation, fromlist=["x"])
    part: GraphQLPart = module.graphql() if hasattr(module, "graphql") else GraphQLPart()
    traits: tuple[Trait, ...] = tuple(module.traits()) if hasattr(module, "traits") else ()
    contributions = Contributions(graphql=part, traits=traits)
    return EnabledPlugin(manifest, manifest.settings(), (), contributions)


def schema_of(*plugins: EnabledPlugin) -> BuiltSchema:
    """Return the schema of the core with these plugins."""
    return build_schema(schema_parts(PluginSet(plugins=plugins)))


def hooks_page() -> str:
    """Return the reference of all hooks, from their docstrings and signatures."""
    lines = [GENERATED, "# Hooks\n", f"{inspect.getdoc(hookspecs)}\n"]
    for name in hook_names():
        function = getattr(hookspecs, name)
        kind = "async " if inspect.iscoroutinefunction(function) else ""
        signature = str(inspect.signature(function)).replace("'", "")
        lines += [f"## `{name}`\n", f"    {kind}def {name}{signature}\n", f"{inspect.getdoc(function)}\n"]
    return "\n".join(lines)


def settings_page() -> str:
    """Return the reference of all settings of the server and of first-party plugins."""
    lines = [GENERATED, "# Settings\n", "## The server\n", "Read from the environment once, when the server starts.\n"]
    lines += _table(Settings, prefix="REGULARS_")
    for manifest in manifests():
        lines += [
            f"\n## The plugin `{manifest.id}`\n",
            f"Set with `regulars plugin config {manifest.id} NAME=VALUE`.\n",
        ]
        lines += _table(manifest.settings)
    return "\n".join(lines) + "\n"


def _table(model: type[BaseModel], *, prefix: str = "") -> list[str]:
    rows = ["| name | default | meaning |", "| --- | --- | --- |"]
    for name, field in model.model_fields.items():
        shown = prefix + name.upper() if prefix else name
        default = "required" if field.is_required() else _shown(field.default)
        rows.append(f"| `{shown}` | {default} | {field.description} |")
    return rows


def _shown(value: object) -> str:
    text = "" if value in (None, ()) or "SecretStr" in repr(value) else str(value)
    return f"`{text}`" if text else ""


def permissions_page() -> str:
    """Return which role has which permission."""
    rows = [
        GENERATED,
        "# Permissions\n",
        f"| permission | means | {' | '.join(ROLES)} |",
        "| --- | --- |" + " --- |" * len(ROLES),
    ]
    plugins = [permission for manifest in manifests() for permission in manifest.permissions]
    for permission in (*CORE_PERMISSIONS, *plugins):
        has = " | ".join("yes" if role in permission.default_roles or role == "admin" else "" for role in ROLES)
        rows.append(f"| `{permission.name}` | {permission.title} | {has} |")
    return "\n".join(rows) + "\n"


def graphql_page() -> str:
    """Return what can be asked, changed and followed, each with its permission."""
    built = schema_of(*(enabled(manifest) for manifest in manifests()))
    lines = [
        GENERATED,
        "# GraphQL\n",
        "The whole schema with all descriptions: `core.graphql`, and with the first-party plugins",
    ]
    lines += [
        "`with-plugins.graphql`, beside this page. Every field needs a permission; without it the field is null, with",
        "a `FORBIDDEN` error.\n",
    ]
    for root in ("Query", "Mutation", "Subscription"):
        kind = built.graphql.type_map[root]
        lines += [f"## {root}\n", "| field | owner | permission | what it does |", "| --- | --- | --- | --- |"]
        for name, field in kind.fields.items():  # type: ignore[attr-defined]
            path = f"{root}.{name}"
            lines.append(f"| `{name}` | {built.owners[path]} | `{built.permissions[path]}` | {field.description} |")
        lines.append("")
    fields = ", ".join(f"`{name}`" for name in EventEnvelope.__dataclass_fields__)
    return "\n".join(lines) + f"\nEvents have the fields {fields}.\n"


def pages() -> dict[str, str]:
    """Return every generated page by its file name."""
    return {
        "hooks.md": hooks_page(),
        "plugin-names.md": GENERATED + plugin_names_page(),
        "settings.md": settings_page(),
        "permissions.md": permissions_page(),
        "graphql.md": graphql_page(),
        "core.graphql": schema_of().sdl() + "\n",
        "with-plugins.graphql": schema_of(*(enabled(manifest) for manifest in manifests())).sdl() + "\n",
    }


def stale_pages() -> list[str]:
    """Return the names of the pages that are not as the code would write them."""
    return [
        name
        for name, text in pages().items()
        if not (REFERENCE / name).exists() or (REFERENCE / name).read_text(encoding="utf-8") != text
    ]


def main() -> int:
    """Write the pages, or check them."""
    if "--check" in sys.argv:
        stale = stale_pages()
        if stale:
            print(f"Stale: {', '.join(stale)}. Run `python docs/generate.py`, and look at the difference.")
        return 1 if stale else 0
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
