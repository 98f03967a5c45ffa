"""The reference of what a plugin imports from ``regulars``, written from the docstrings."""

import ast
import inspect
import re
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module
from itertools import pairwise
from typing import Any

import regulars
from regulars.homes import HOMES
from regulars.plugins.context import PluginContext
from regulars.tables import Table

__all__ = ["plugin_names_page"]

MODULES = re.compile(r"\b(?:[a-z_]\w*\.)+(?=[A-Z_a-z])")
"""The way to a type, which only lengthens a signature."""

MEMBERS = re.compile(r"<(\w+\.\w+): [^>]*>")
UNNAMED = re.compile(r"= <[^>]*>")
"""How Python writes members of enumerations, and defaults that have no name."""

INTRODUCTION = """# What a plugin imports

Everything that the core promises to plugins, by the part of the core that it belongs to: `from regulars import NAME`.
What is not here is nobody's but the core's, and changes without notice. The hooks have [a page of their own](hooks.md);
[Write a plugin](../how-to/write-a-plugin.md) shows how these are used.
"""


def plugin_names_page() -> str:
    """Return the page."""
    homes = {name: home for home, names in HOMES.items() for name in names}
    parts: dict[str, list[str]] = {}
    for name in sorted(regulars.__all__, key=str.lower):
        if name in homes:
            parts.setdefault(homes[name].split(".")[1], []).append(name)
    lines = [INTRODUCTION]
    lines += ["## What a call gets: `ctx`\n", f"{inspect.getdoc(PluginContext)}\n", *_members(PluginContext)]
    for part, names in sorted(parts.items()):
        lines.append(f"## {part.replace('_', ' ').capitalize()}\n")
        for name in names:
            lines += _entry(name, homes[name])
    return "\n".join(lines)


def _entry(name: str, home: str) -> list[str]:
    value = getattr(regulars, name)
    if inspect.isfunction(value):
        kind = "async " if inspect.iscoroutinefunction(value) else ""
        return [f"### `{name}`\n", f"    {kind}def {name}{_signature(value)}\n", f"{inspect.getdoc(value)}\n"]
    told = inspect.getdoc(value) if inspect.isclass(value) else _told_beside(home).get(name)
    members = _members(value) if inspect.isclass(value) else []
    return [f"### `{name}`\n", *([f"{told}\n"] if told else []), *members]


def _members(kind: type[Any]) -> list[str]:
    """Return what an instance has: its columns or fields, and its methods with what they say of themselves."""
    if issubclass(kind, Table) and kind is not Table:
        return [f"Columns: {', '.join(f'`{name}`' for name in kind.model_fields)}.\n"]
    held = [each.name for each in fields(kind) if not each.name.startswith("_")] if is_dataclass(kind) else []
    held += getattr(kind, "_fields", ())
    lines = [f"Fields: {', '.join(f'`{name}`' for name in held)}.\n"] if held else []
    for name, value in vars(kind).items():
        function = value.fget if isinstance(value, property) else value
        if name.startswith("_") or not inspect.isfunction(function) or not inspect.getdoc(function):
            continue
        signature = "" if isinstance(value, property) else _signature(function)
        lines.append(f"* `{name}{signature}`: {inspect.getdoc(function)}".replace("\n", "\n  "))
    return [*lines, ""] if lines and lines[-1].startswith("*") else lines


def _signature(function: Any) -> str:
    written = UNNAMED.sub("= …", MEMBERS.sub(r"\1", MODULES.sub("", str(inspect.signature(function))))).replace("~", "")
    return written.replace("(self, ", "(").replace("(self)", "()")


@cache
def _told_beside(home: str) -> dict[str, str]:
    """Return what a module says below its constants."""
    body = ast.parse(inspect.getsource(import_module(home))).body
    return {
        target.id: inspect.cleandoc(below.value.value)
        for constant, below in pairwise(body)
        if isinstance(constant, ast.Assign | ast.AnnAssign)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
        for target in (constant.targets if isinstance(constant, ast.Assign) else [constant.target])
        if isinstance(target, ast.Name)
    }
