"""Wheels built from this checkout, and environments that know nothing of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["ROOT", "Environment", "built_wheel", "fresh_environment", "install"]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Environment:
    """A virtual environment, the empty folder in which its commands run, and the settings that they find."""

    folder: Path
    work: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def programs(self) -> Path:
        return self.folder / ("Scripts" if sys.platform == "win32" else "bin")

    @property
    def variables(self) -> dict[str, str]:
        """Return the variables of its processes: a machine's own, and none of this test run's."""
        kept = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "TMPDIR", "SYSTEMROOT")}
        return {**kept, "PATH": f"{self.programs}{os.pathsep}{os.defpath}", **self.settings}

    def run(self, *command: str, cwd: Path | None = None, timeout: float = 120) -> str:
        """Return what a program of the environment writes; what it wrote is raised when it fails."""
        done = subprocess.run(
            [str(self.programs / command[0]), *command[1:]],
            cwd=cwd or self.work,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout


def built_wheel(source: Path, folder: Path) -> Path:
    """Return the wheel of a project, built into a folder of its own."""
    out = folder / source.name
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    return wheel


def fresh_environment(folder: Path, requirements: Sequence[str], settings: Mapping[str, str]) -> Environment:
    """Return a new environment with these requirements, at the versions of constraints.txt."""
    made = Environment(folder / "environment", folder / "work", settings)
    made.work.mkdir()
    fast = _uv()
    if fast is not None:
        step = [fast, "venv", "--quiet", "--python", sys.executable, str(made.folder)]
    else:
        step = [sys.executable, "-m", "venv", str(made.folder)]
    subprocess.run(step, check=True, cwd=made.work)
    install(made, requirements)
    return made


def install(environment: Environment, requirements: Sequence[str]) -> None:
    """Put more into an environment, at the versions of constraints.txt."""
    fast = _uv()
    python = str(environment.programs / "python")
    words = [python, "-m", "pip", "install"] if fast is None else [fast, "pip", "install", "--python", python]
    pinned = ["--quiet", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*words, *pinned, *requirements], check=True, cwd=environment.work)


def _uv() -> str | None:
    return shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
