"""The core needs no plugin: its own tests pass where none is installed."""

import re
import shutil
from pathlib import Path

import pytest
from tests.packaging.environments import ROOT, Environment, built_wheel, fresh_environment

pytestmark = pytest.mark.timeout(1_800)

PARTS = ("core", "alembic", "docs", "README.md", "CHANGELOG.md", "LICENSE", "constraints.txt")
PYTEST = ("python", "-m", "pytest", "-q", "-m", "not real and not full", "-p", "no:cacheprovider")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Install a wheel of the core without any plugin, with what its tests need."""
    folder = tmp_path_factory.mktemp("bare")
    source = folder / "source"
    source.mkdir()
    for part in PARTS:
        copy(ROOT / part, source / part)
    (source / "pyproject.toml").write_text(without_plugins((ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    wheel = built_wheel(source, folder / "wheels")
    made = fresh_environment(folder, [f"{wheel}[demo,testing]", "hypothesis"], {})
    copy(ROOT / "tests" / "core", made.work / "tests" / "core")
    leave_out_what_needs_plugins(made.work / "tests" / "core", made.work)
    for shared in ("conftest.py", "plan.py"):
        copy(ROOT / "tests" / shared, made.work / "tests" / shared)
    copy(source / "pyproject.toml", made.work / "pyproject.toml")
    return made


def leave_out_what_needs_plugins(tests: Path, work: Path) -> None:
    """Delete the modules that import a plugin of ours, and those that import them in turn."""
    gone = {path.name for path in (ROOT / "plugins").glob("*/regulars_*")}
    while True:
        needing = re.compile(rf"^\s*(from|import) ({'|'.join(map(re.escape, sorted(gone)))})\b", re.MULTILINE)
        found = [path for path in tests.rglob("*.py") if needing.search(path.read_text(encoding="utf-8"))]
        if not found:
            return
        for path in found:
            gone.add(".".join(path.relative_to(work).with_suffix("").parts))
            path.unlink()


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=LEFT_OUT)
    else:
        shutil.copyfile(source, target)


def without_plugins(project: str) -> str:
    """Return the project's file with no plugin in it."""
    no_points = re.sub(r"\[project\.entry-points\.regulars\]\n(?:[^\[\n].*\n)*", "", project)
    return re.sub(r' *"plugins/[^"]*",\n', "", no_points)


@pytest.mark.real
def test_no_plugin_is_installed(bare: Environment) -> None:
    points = "from importlib.metadata import entry_points; print(len(entry_points(group='regulars')))"
    found = "from importlib.util import find_spec; print(find_spec('regulars_clv'))"

    assert (bare.run("python", "-c", points), bare.run("python", "-c", found)) == ("0\n", "None\n")


@pytest.mark.real
def test_the_core_answers_and_hosts_without_any_plugin(bare: Environment) -> None:
    parts = ["graphql/test_customers.py", "plugins/test_states.py", "testing/test_app.py", "web/test_application.py"]
    quick = [f"tests/core/{part}" for part in parts]

    told = bare.run(*PYTEST, *quick, "-k", "not postgresql", timeout=600)

    assert re.search(r"\d+ passed", told)


@pytest.mark.full
@pytest.mark.timeout(3_600)
def test_the_cores_tests_pass_without_any_plugin(bare: Environment) -> None:
    told = bare.run(*PYTEST, "tests/core", "-n", "2", "--dist", "worksteal", timeout=3_500)

    assert re.search(r"\d+ passed", told)
