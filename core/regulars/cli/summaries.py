"""Show what each command does as a whole sentence; typer would cut it off at the edge of the terminal."""

from typing import Any

from typer import Context
from typer.core import TyperGroup

__all__ = ["WholeSummaries"]


class WholeSummaries(TyperGroup):
    """A group of commands whose help goes on in the next line."""

    def format_commands(self, ctx: Context, formatter: Any) -> None:  # type: ignore[override]  # its own is private
        """Write each command beside its summary."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, _sentence(command.help or "")) for name, command in found if command and not command.hidden]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


def _sentence(help: str) -> str:
    return " ".join(help.partition("\n\n")[0].split())
