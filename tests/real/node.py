"""Run the node programs beside this file, with the packages that their package.json names."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

__all__ = ["run_node"]

_HERE = Path(__file__).parent


def run_node(program: str, *arguments: str) -> object:
    """Return the JSON that a program prints.

    Installs the packages when they are missing. Without node or its packages the test is skipped, and fails in CI.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        _give_up("node and npm are not installed")
    wanted = json.loads((_HERE / "package.json").read_text())["dependencies"]
    if not all((_HERE / "node_modules" / name).is_dir() for name in wanted):
        installed = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund"], cwd=_HERE, capture_output=True, text=True, check=False
        )
        if installed.returncode != 0:
            _give_up(f"npm install failed: {installed.stderr[-500:]}")
    ran = subprocess.run(["node", program, *arguments], cwd=_HERE, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise RuntimeError(f"{program} failed:\n{ran.stderr}")
    told: object = json.loads(ran.stdout)
    return told


def _give_up(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; CI must run these tests")
    pytest.skip(reason)
