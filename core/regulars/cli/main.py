"""The command `regulars`: finds what its first word means, and tells errors in a line."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated

import typer

from regulars.cli.summaries import WholeSummaries
from regulars.errors import InvalidInput, RegularsError

__all__ = ["PARTS", "Part", "application_for", "main", "run"]


@dataclass(frozen=True)
class Part:
    """A first word, the function or typer application (`module:name`) that it stands for, and a line of help."""

    word: str
    target: str
    help: str

    def load(self) -> "typer.Typer | Callable[..., None]":
        """Import what the word stands for."""
        module, _, name = self.target.partition(":")
        commands: typer.Typer | Callable[..., None] = getattr(import_module(module), name)
        return commands


PARTS = (
    Part("demo", "regulars.cli.demo:demo", "Serve real purchases of invented customers, to look around."),
    Part("serve", "regulars.cli.serving:serve", "Serve the GraphQL API."),
    Part("worker", "regulars.cli.serving:worker", "Do the work in the background, apart from the server."),
    Part("import", "regulars.cli.imports:app", "Import customers and touchpoints from files."),
    Part("export", "regulars.cli.exports:app", "Export customers and touchpoints to files."),
    Part("doctor", "regulars.cli.doctor:doctor", "Look at everything that a server needs, and say what to do next."),
    Part("contact", "regulars.cli.contact:app", "Say why a customer may or may not be contacted."),
    Part("db", "regulars.cli.database:app", "Bring the tables of the database up to date."),
    Part("privacy", "regulars.cli.privacy:app", "Answer requests for a copy or for erasure."),
    Part("backup", "regulars.cli.backups:backup", "Write the database into one file."),
    Part("restore", "regulars.cli.backups:restore", "Put a backup back, and erase again who was erased since."),
    Part("plugin", "regulars.cli.plugin:app", "See, enable, configure and examine plugins."),
    Part("graphql", "regulars.cli.graphql:app", "See how the server answers a query, and what it costs."),
    Part("key", "regulars.cli.keys:app", "Give, replace and take back API keys."),
    Part("audit", "regulars.cli.audit:app", "Prove that nobody rewrote what happened."),
    Part("staff", "regulars.cli.staff:app", "Take up staff members, and let them go."),
)
"""Every command of the server itself; only the one that is called is imported, so that help is quick."""


def main() -> None:
    """Run the command line and end the process: 0 for success, 1 for an error, 2 for a wrong command."""
    sys.exit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """Run one command and return its exit code; what people can act upon is told in a line, without a traceback."""
    try:
        application_for(words)(list(words), prog_name="regulars")
    except SystemExit as end:
        return _exit_code(end.code)
    except InvalidInput as error:
        return _tell(error, 2)
    except RegularsError as error:
        return _tell(error, 1)
    except OSError as error:
        return _tell(_in_words(error), 1)
    return 0


def application_for(words: Sequence[str]) -> typer.Typer:
    """Return the application in which the first of these words is complete, and the other commands have their help."""
    app = typer.Typer(
        cls=WholeSummaries,
        help="A CRM extension server with a GraphQL API.",
        epilog="A plugin's commands follow its id: `regulars clv --help`.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # coloured frames would make help four times slower
    )
    app.callback()(_options)
    first = next((word for word in words if not word.startswith("-")), "")
    for part in PARTS:
        _add(app, part.word, part.load() if part.word == first else _later, help=part.help)
    if first and first not in {part.word for part in PARTS} and first in _plugin_ids():
        from regulars.cli.plugin_commands import plugin_commands  # it reads settings and imports the plugin

        _add(app, first, plugin_commands(first), help=f"Commands of the plugin {first}.")
    return app


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        from importlib.metadata import version

        typer.echo(version("regulars"))
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True)
]


def _options(is_version_wanted: Version = False) -> None:
    """Take the options that stand before the first word; the version is printed by its own callback."""


def _add(app: typer.Typer, word: str, commands: "typer.Typer | Callable[..., None]", *, help: str) -> None:
    if isinstance(commands, typer.Typer):
        app.add_typer(commands, name=word, help=help, cls=WholeSummaries)
    else:
        app.command(word, help=help)(commands)


def _later() -> None:
    """Stand in for a command that was not called, so that help need not import it."""


def _plugin_ids() -> frozenset[str]:
    from importlib.metadata import entry_points

    return frozenset(entry.name for entry in entry_points(group="regulars"))


def _in_words(error: OSError) -> object:
    if error.filename is None or error.strerror is None:
        return error
    return f"{error.filename} cannot be used: {error.strerror}. Check the path, and who may read and write there."


def _tell(error: object, exit_code: int) -> int:
    typer.echo(f"regulars: {error}", err=True)
    return exit_code


def _exit_code(code: object) -> int:
    return code if isinstance(code, int) else int(code is not None)


if __name__ == "__main__":
    main()
