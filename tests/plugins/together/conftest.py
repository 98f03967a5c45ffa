"""Plugins from outside are installed wherever they are used; here they are found where they lie."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "third_party" / "cases_and_holdouts"))
