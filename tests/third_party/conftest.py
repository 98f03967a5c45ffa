"""Plugins from outside are installed wherever they are used; here they are found where they lie."""

import sys
from pathlib import Path

sys.path[:0] = [str(project.parent) for project in Path(__file__).parent.glob("*/pyproject.toml")]
