"""Install the plugin of the benchmark for this run alone."""

import os
import sys
from pathlib import Path

from cluster import WORK

__all__ = ["use_plugin"]

SOURCE = Path(__file__).parent / "stamps"
ENTRY_POINT = "[regulars]\nstamps = regulars_stamps.manifest:manifest\n"
METADATA = "Metadata-Version: 2.1\nName: regulars-stamps\nVersion: 1.0.0\n"


def use_plugin() -> None:
    """Let this process and those that it starts find the plugin as if a package had brought it."""
    site = WORK / "site"
    announced = site / "regulars_stamps-1.0.0.dist-info"
    announced.mkdir(parents=True, exist_ok=True)
    (announced / "METADATA").write_text(METADATA, encoding="utf-8")
    (announced / "entry_points.txt").write_text(ENTRY_POINT, encoding="utf-8")
    for folder in (str(SOURCE), str(site)):
        if folder not in sys.path:
            sys.path.append(folder)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(SOURCE), str(site)])
