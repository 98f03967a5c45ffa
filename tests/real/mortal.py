"""Run a command of the product in a process that is killed when it first passes a named point.

    python -m tests.real.mortal POINT FILE COMMAND...

The point is written into the file just before.
"""

import sys
from pathlib import Path

from tests.core.messages.processes import die_at

from regulars.cli.main import run
from regulars.crash_points import listening

if __name__ == "__main__":
    point, killed, *words = sys.argv[1:]
    with listening(die_at(point, 1, Path(killed))):
        sys.exit(run(words))
