"""Each import contract is seen to fail once: a module that breaks it is put into a copy of the code."""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = [
    contract["id"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
]
LEFT_OUT = shutil.ignore_patterns("__pycache__", "static")

BREAKING = {
    "layers": ("core/regulars/graphql/breaking.py", "import regulars.web.server"),
    "nouns-know-no-surface": ("core/regulars/customers/breaking.py", "import regulars.web.server"),
    "services-know-no-http": ("core/regulars/customers/service.py", "import starlette.requests"),
    "models-at-the-bottom": ("core/regulars/customers/models.py", "import regulars.customers.service"),
    "core-without-plugins": ("core/regulars/breaking.py", "import regulars_clv.plugin"),
    "plugins-use-the-public-face": ("plugins/clv/regulars_clv/breaking.py", "import regulars.database"),
}
"""The import that breaks each contract, and where it is put."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    for top in ("core", "alembic", "plugins"):
        shutil.copytree(ROOT / top, folder / top, ignore=LEFT_OUT)
    shutil.copyfile(ROOT / "pyproject.toml", folder / "pyproject.toml")
    return folder


def broken_contracts(copy: Path) -> Sequence[str]:
    """Return the ids of the contracts that the copy breaks."""
    sources = [copy / "core", copy / "alembic", *(copy / "plugins").iterdir()]
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=copy,
        env={"PYTHONPATH": ":".join(map(str, sources)), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    names = tomllib.loads((copy / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    return [one["id"] for one in names if f"{one['name']} BROKEN" in done.stdout]


def test_every_contract_has_an_import_that_breaks_it() -> None:
    assert set(CONTRACTS) == set(BREAKING)


def test_the_code_as_it_is_breaks_none(copy: Path) -> None:
    assert broken_contracts(copy) == []


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_module_that_breaks_a_contract_is_noticed(copy: Path, contract: str) -> None:
    place, statement = BREAKING[contract]
    module = copy / place
    before = module.read_text(encoding="utf-8") if module.exists() else None

    module.write_text(f"{before or ''}\n{statement}\n", encoding="utf-8")
    found = broken_contracts(copy)

    module.unlink() if before is None else module.write_text(before, encoding="utf-8")
    assert contract in found
