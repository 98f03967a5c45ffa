"""Show on standard error what the demo is doing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

__all__ = ["Progress", "shown_progress"]

Progress = Callable[[str, int, int | None], None]
"""Is told what is being done, how far it has come, and how far it has to go (None: nobody knows)."""


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Give what shows a line with a bar for each step on a terminal, and a line of text elsewhere."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def show(title: str, done: int, total: int | None) -> None:
            if title not in tasks:
                _finish(bars)
                tasks[title] = bars.add_task(title, total=total)
                if not console.is_terminal:
                    console.print(f"{title} …")
            bars.update(tasks[title], completed=done, total=total)

        yield show
        _finish(bars)


def _finish(bars: Bars) -> None:
    for task in bars.tasks:
        if not task.finished:
            bars.update(task.id, completed=task.total or 1, total=task.total or 1)
