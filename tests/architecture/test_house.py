import ast
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from regulars.personal import silent_columns

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PLUGINS = sorted(path.name for path in (ROOT / "plugins").iterdir() if path.is_dir())
LONGEST_MODULE = 400
VAGUE = re.compile(r"(^|_)(manager|helper|helpers|util|utils|base|data|info|misc|common)(_|$)")


def modules() -> Iterator[Path]:
    for top in ("core", "plugins", "alembic"):
        for path in (ROOT / top).rglob("*.py"):
            if "versions" not in path.parts:
                yield path


def test_each_plugin_stands_in_every_list_of_the_project() -> None:
    packages = {f"regulars_{name}" for name in PLUGINS}
    wheel = {path.rsplit("/", 1)[-1] for path in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}

    assert set(PROJECT["project"]["entry-points"]["regulars"]) == set(PLUGINS)
    assert wheel == packages | {"regulars", "regulars_migrations"}
    assert packages <= set(PROJECT["tool"]["mypy"]["packages"])
    assert packages <= set(PROJECT["tool"]["importlinter"]["root_packages"])
    assert {f"plugins/{name}" for name in PLUGINS} <= set(PROJECT["tool"]["ruff"]["src"])
    assert {f"plugins/{name}" for name in PLUGINS} <= set(PROJECT["tool"]["pyright"]["extraPaths"])


def test_every_plugin_has_a_readme() -> None:
    without = [name for name in PLUGINS if not (ROOT / "plugins" / name / "README.md").exists()]

    assert without == []


def test_no_module_holds_two_meanings() -> None:
    long = {str(path.relative_to(ROOT)) for path in modules() if path.read_text().count("\n") > LONGEST_MODULE}

    assert long == set()


def test_names_say_what_they_hold() -> None:
    vague = {str(path.relative_to(ROOT)) for path in modules() if VAGUE.search(path.stem)}

    assert vague == set()


def test_every_module_says_its_purpose_first() -> None:
    silent = {
        str(path.relative_to(ROOT)) for path in modules() if not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    }

    assert silent == set()


def test_alembic_itself_is_not_shadowed() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_nothing_names_a_registry_or_a_lock_file() -> None:
    locks = [name for name in ("uv.lock", "poetry.lock", "package-lock.json", "Pipfile.lock") if (ROOT / name).exists()]
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")

    assert locks == []
    assert "://" not in constraints


def test_every_column_of_the_core_says_what_it_holds_of_a_person() -> None:
    nouns = [path.parent.name for path in (ROOT / "core" / "regulars").glob("*/models.py")]
    modules = [import_module(f"regulars.{noun}.models") for noun in nouns]
    tables = [getattr(module, name) for module in modules for name in module.__all__]

    assert silent_columns(table for table in tables if isinstance(table, type)) == [], (
        'annotate the column: Field(sa_column_kwargs=pii("name")); the words are in regulars/personal.py'
    )
