import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType

import regulars

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        spec.loader.exec_module(module)
    return module


def test_no_reference_page_and_no_schema_snapshot_is_stale(generate: ModuleType) -> None:
    assert generate.stale_pages() == []


def test_everything_that_a_plugin_imports_says_what_it_is(generate: ModuleType) -> None:
    entries = re.split(r"^### ", generate.pages()["plugin-names.md"], flags=re.MULTILINE)[1:]
    told = {re.sub(r"^    .*$", "", entry, flags=re.MULTILINE).partition("\n")[::2] for entry in entries}

    assert {name.strip("`") for name, _ in told} == set(regulars.__all__)
    assert [name for name, text in told if not text.strip()] == []


def test_every_argument_and_every_input_field_says_what_it_is_for(generate: ModuleType) -> None:
    schema = generate.schema_of(*map(generate.enabled, generate.manifests())).graphql
    kinds = [kind for kind in schema.type_map.values() if not kind.name.startswith("__")]
    arguments = {
        f"{kind.name}.{name}({key})": argument.description
        for kind in kinds
        if isinstance(kind, GraphQLObjectType) and kind is not schema.mutation_type  # whose one argument is its input
        for name, field in kind.fields.items()
        for key, argument in field.args.items()
    }
    members = {
        f"{kind.name}.{name}": field.description
        for kind in kinds
        if isinstance(kind, GraphQLInputObjectType)
        for name, field in kind.fields.items()
    }

    assert [path for path, told in {**arguments, **members}.items() if not told] == []


def test_every_hook_says_what_it_is_for(generate: ModuleType) -> None:
    from regulars.plugins import hookspecs

    silent = [name for name in generate.hook_names() if len(getattr(hookspecs, name).__doc__ or "") < 40]

    assert generate.hook_names()
    assert silent == []


def test_every_hook_has_a_test_of_its_own(generate: ModuleType) -> None:
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests/core/plugins/hooks").glob("test_*.py")}

    assert set(generate.hook_names()) - tested == set()


def test_every_hook_has_a_first_party_user_or_one_outside(generate: ModuleType) -> None:
    sources = [path.read_text(encoding="utf-8") for path in ROOT.glob("plugins/*/*/plugin.py")]
    sources += [path.read_text(encoding="utf-8") for path in ROOT.glob("tests/third_party/*/*/plugin.py")]
    unused = [name for name in generate.hook_names() if not any(f"def {name}(" in source for source in sources)]

    assert unused == []


def test_an_undocumented_hook_would_be_noticed(generate: ModuleType) -> None:
    page = (ROOT / "docs" / "reference" / "hooks.md").read_text(encoding="utf-8")

    missing = [name for name in generate.hook_names() if f"## `{name}`" not in page]

    assert missing == []
