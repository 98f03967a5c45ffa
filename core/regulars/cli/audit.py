"""`regulars audit`: prove that nobody rewrote what happened."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from regulars.audit.verification import LedgerVerdict
    from regulars.database import Database
    from regulars.settings import Settings

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _audit() -> None:
    """Hold the commands together."""


@app.command("verify")
def verify(
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON, for a program.")] = False,
) -> None:
    """Seal what waits, then check every link of the chain, the words beside it and the signed heads.

    Ends with 0 when the chain holds and with 1 when it does not.
    """
    from regulars.audit.heads import heads_of
    from regulars.audit.verification import verify_ledger
    from regulars.cli.environment import with_tables

    async def work(database: "Database", settings: "Settings", now: "datetime") -> "LedgerVerdict":
        return await verify_ledger(database, heads_of(settings), now=now)

    verdict = with_tables(work)
    if as_json:
        typer.echo(json.dumps({**asdict(verdict), "is_whole": verdict.is_whole}))
    else:
        typer.echo("\n".join(_lines(verdict)))
    if not verdict.is_whole:
        raise typer.Exit(1)


def _lines(verdict: "LedgerVerdict") -> list[str]:
    vouched = (
        f"signed heads vouch for the first {verdict.head_seq}" if verdict.heads else "no signed head was there yet"
    )
    lines = [f"{verdict.sealed} links hold; {vouched}. {verdict.unsealed} rows wait for their link."]
    if verdict.erased:
        lines.append(f"The words of {verdict.erased} rows were erased with somebody's data; their digests hold.")
    if verdict.first_break is None:
        return [*lines, "The chain is whole."]
    return [*lines, f"BROKEN at link {verdict.first_break.seq}: {verdict.first_break.problem}"]
