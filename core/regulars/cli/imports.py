"""`regulars import`: customers and touchpoints from files of any length."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regulars.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from regulars.database import Database
    from regulars.ingest.files import ImportFile
    from regulars.ingest.plans import ImportPlan
    from regulars.ingest.reports import ImportReport
    from regulars.settings import Settings

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="A CSV or JSON Lines file in UTF-8.")]
Format = Annotated[str | None, typer.Option(help="csv or jsonl; else the ending of the name says it.")]
Mapping_ = Annotated[
    list[str] | None, typer.Option("--mapping", help="column=field, or a JSON file of such pairs; may be repeated.")
]
Source = Annotated[str | None, typer.Option(help="The system that the ids in the file are of.")]
TimeZone = Annotated[str | None, typer.Option(help="IANA zone of times that are written without one.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would become of the file, and write nothing.")]
Errors = Annotated[Path | None, typer.Option(help="Where rejected rows go. Default: beside the file.")]
Batch = Annotated[int, typer.Option(min=1, max=200_000, help="Rows that are written in one transaction.")]
Again = Annotated[bool, typer.Option("--again", help="Import a file that was imported already.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
CreateCustomers = Annotated[
    bool | None,
    typer.Option(
        "--create-customers/--no-create-customers",
        help="Create customers whom only a touchpoint names. Default: those that are named by an external id.",
    ),
]

CHUNK = 20_000


@app.command("customers")
def customers(
    file: File,
    format: Format = None,
    mapping: Mapping_ = None,
    source: Source = None,
    dry_run: DryRun = False,
    errors: Errors = None,
    batch: Batch = CHUNK,
    again: Again = False,
    as_json: AsJson = False,
) -> None:
    """Create and change customers from a file; a run that was broken off goes on where it stopped."""
    from regulars.ingest.plans import plan_import

    plan = plan_import("customers", columns=_columns(mapping), source=source)
    _import(file, plan, format=format, dry_run=dry_run, errors=errors, batch=batch, again=again, as_json=as_json)


@app.command("touchpoints")
def touchpoints(
    file: File,
    format: Format = None,
    mapping: Mapping_ = None,
    source: Source = None,
    time_zone: TimeZone = None,
    create_customers: CreateCustomers = None,
    dry_run: DryRun = False,
    errors: Errors = None,
    batch: Batch = CHUNK,
    again: Again = False,
    as_json: AsJson = False,
) -> None:
    """Record touchpoints from a file; a run that was broken off goes on where it stopped."""
    from regulars.ingest.plans import plan_import

    plan = plan_import(
        "touchpoints",
        columns=_columns(mapping),
        source=source,
        create_customers=create_customers,
        time_zone=time_zone,
    )
    _import(file, plan, format=format, dry_run=dry_run, errors=errors, batch=batch, again=again, as_json=as_json)


def _columns(given: list[str] | None) -> "Mapping[str, str]":
    columns: dict[str, str] = {}
    for word in given or ():
        if word.endswith(".json"):
            columns |= _columns_of(Path(word))
            continue
        column, sign, field = word.partition("=")
        if not sign or not column or not field:
            raise InvalidInput(f"{word!r} maps nothing. Write column=field, or name a JSON file.", path=("mapping",))
        columns[column] = field
    return columns


def _columns_of(path: Path) -> dict[str, str]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"The mapping {path} cannot be read: {error}.", path=("mapping",)) from error
    if not isinstance(read, dict) or not all(isinstance(field, str) for field in read.values()):
        raise InvalidInput(f'The mapping {path} is no object of columns with their fields: {{"Mail": "email"}}.')
    return read


def _import(
    path: Path,
    plan: "ImportPlan",
    *,
    format: str | None,
    dry_run: bool,
    errors: Path | None,
    batch: int,
    again: bool,
    as_json: bool,
) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from regulars.cli.environment import with_tables
    from regulars.clock import SystemClock
    from regulars.ingest.files import inspect_file
    from regulars.ingest.memory import collecting_seldom
    from regulars.ingest.records import check_columns
    from regulars.ingest.service import FileImport
    from regulars.touchpoints.types import core_touchpoint_types

    file = inspect_file(path, format=format)
    check_columns(file, plan.mapping)
    rejects = errors or path.with_name(f"{path.name}.rejected.csv")
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )

    async def work(database: "Database", _settings: "Settings", _now: "datetime") -> "ImportReport":
        task = bar.add_task(path.name, total=file.records, rate="")

        async def tell(done: int, _total: int) -> None:
            speed = bar.tasks[task].speed
            bar.update(task, completed=done, rate=f"{speed:,.0f} rows/s" if speed else "")

        importing = FileImport(file, plan, core_touchpoint_types(), database, SystemClock(), "system", batch)
        if dry_run:
            return await importing.attempt(rejects=rejects, tell=tell)
        return await importing.run(rejects=rejects, tell=tell, again=again)

    with bar, collecting_seldom():
        report = with_tables(work)
    typer.echo(json.dumps(report.as_json()) if as_json else _told(report, file, is_trial=dry_run))
    if report.rejected:
        raise typer.Exit(1)


def _told(report: "ImportReport", file: "ImportFile", *, is_trial: bool) -> str:
    if report.was_finished:
        return f"{file.path.name} was imported already: nothing to do. Add --again to import it once more."
    would = "would be " if is_trial else ""
    lines = [
        f"{report.records} rows: {report.created} {would}created, {report.updated} {would}changed,"
        f" {report.unchanged} there already, {report.rejected} rejected."
    ]
    if report.customers:
        lines.append(f"{report.customers} customers {would}created because a touchpoint named them.")
    lines += [f"line {one.line}: {one.error}" for one in report.problems]
    if report.rejects_file is not None:
        lines.append(f"Rejected rows with their reasons: {report.rejects_file}")
    return "\n".join(lines)
