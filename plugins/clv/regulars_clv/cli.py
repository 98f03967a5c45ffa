"""The command line of lifetime value: prepare, fit, score and validate purchase histories.

The numeric modules bring scipy, which takes longer to load than `--help` may take; so they are imported when a command
runs.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regulars_clv.errors import CurrencyMix, InputRefused, NotFitted
from regulars_clv.printing import json_line, plain_lines

if TYPE_CHECKING:
    from regulars_clv.file_runs import GivenParameters, Source
    from regulars_clv.purchase_model import PurchaseModel

__all__ = ["app"]

REFUSED, NOT_FITTED = 3, 4
DEFAULT_MODEL = "mbgnbd"
PERIODS = ("week", "day")
AUTO, SBG = "auto", "sbg"
MODEL_HELP = "mbgnbd, bgnbd, paretonbd, nbd, or auto: whichever foretells best."

app = typer.Typer(help="Customer lifetime value from purchase histories.", no_args_is_help=True)

InputFile = typer.Option(
    exists=True, dir_okay=False, readable=True, help="Columns customer_id,date,amount. Default: the database."
)
CohortFile = typer.Option(exists=True, dir_okay=False, readable=True, help="Columns period,survivors, for sbg.")
SummaryFile = typer.Option(
    exists=True, dir_okay=False, readable=True, help="Columns frequency,recency,T,monetary_value."
)
Day = typer.Option(formats=["%Y-%m-%d"], help="The last day that counts. Default: the newest in the file.")

Transactions = Annotated[Path | None, InputFile]
Summary = Annotated[Path | None, SummaryFile]
Model = Annotated[str, typer.Option(help=MODEL_HELP)]
Period = Annotated[str, typer.Option(help="week or day: the unit of all times.")]
CalibrationEnd = Annotated[datetime | None, Day]
Currency = Annotated[str | None, typer.Option(help="Keep only the rows in this currency.")]
MostRejected = Annotated[float, typer.Option("--max-rejected", min=0.0, max=1.0, help="Share of rows that may be bad.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("prepare")
def prepare_command(
    transactions: Transactions = None,
    period: Period = "week",
    calibration_end: CalibrationEnd = None,
    currency: Currency = None,
    json: AsJson = False,
) -> None:
    """Print how often, how lately, for how long and how much each customer bought."""
    source = _source(transactions, None, period=period, calibration_end=calibration_end, currency=currency)
    from regulars_clv.file_runs import prepare_file

    _print(lambda: prepare_file(source), as_json=json)


@app.command("fit")
def fit_command(
    transactions: Transactions = None,
    summary: Summary = None,
    cohort: Annotated[Path | None, CohortFile] = None,
    model: Model = DEFAULT_MODEL,
    period: Period = "week",
    calibration_end: CalibrationEnd = None,
    currency: Currency = None,
    max_rejected: MostRejected = 0.01,
    json: AsJson = False,
) -> None:
    """Print the parameters under which the purchases are most likely, and how sure they are."""
    from regulars_clv.file_runs import fit_cohort_file, fit_file

    if (model == SBG) != (cohort is not None):
        raise typer.BadParameter("sbg takes a --cohort, and only sbg does", param_hint="--cohort")
    if cohort is not None:
        _print(lambda: fit_cohort_file(cohort, most_rejected=max_rejected), as_json=json)
        return
    source = _source(transactions, summary, period=period, calibration_end=calibration_end, currency=currency)
    wanted = _model(model, source)
    _print(lambda: fit_file(source, model=wanted, most_rejected=max_rejected), as_json=json)


@app.command("score")
def score_command(
    transactions: Transactions = None,
    summary: Summary = None,
    model: Model = DEFAULT_MODEL,
    parameters: Annotated[
        str | None, typer.Option(help="Such as r=0.24,alpha=4.4,a=0.8,b=2.4; p=,q=,v= for the amounts. Else fitted.")
    ] = None,
    horizon: Annotated[float | None, typer.Option(help="Periods ahead. Default: 12 months.")] = None,
    discount: Annotated[float, typer.Option(min=0.0, help="Per month.")] = 0.01,
    margin: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of the amount that is profit.")] = 1.0,
    period: Period = "week",
    calibration_end: CalibrationEnd = None,
    currency: Currency = None,
    json: AsJson = False,
) -> None:
    """Print of every customer what to expect: purchases, value, and whether they are still there."""
    if horizon is not None and not 0 < horizon < float("inf"):
        raise typer.BadParameter("give a number of periods above 0", param_hint="--horizon")
    source = _source(transactions, summary, period=period, calibration_end=calibration_end, currency=currency)
    from regulars_clv.file_runs import score_file

    wanted = _model(model, source)
    given = None if parameters is None else _given(parameters, wanted)
    _print(
        lambda: score_file(
            source, model=wanted, given=given, periods=horizon, discount_per_month=discount, margin=margin
        ),
        as_json=json,
    )


@app.command("validate")
def validate_command(
    calibration_end: Annotated[datetime, Day],
    transactions: Transactions = None,
    model: Model = DEFAULT_MODEL,
    holdout_end: CalibrationEnd = None,
    period: Period = "week",
    currency: Currency = None,
    max_rejected: MostRejected = 0.01,
    json: AsJson = False,
) -> None:
    """Print how well a fit on the past would have foretold what came after it, beside the naive rule."""
    source = _source(transactions, None, period=period, calibration_end=calibration_end, currency=currency)
    from regulars_clv.file_runs import validate_file

    wanted = _model(model, source)
    until = None if holdout_end is None else holdout_end.date()
    cut = calibration_end.date()
    _print(
        lambda: validate_file(source, model=wanted, calibration_end=cut, holdout_end=until, most_rejected=max_rejected),
        as_json=json,
    )


def _source(
    transactions: Path | None,
    summary: Path | None,
    *,
    period: str,
    calibration_end: datetime | None,
    currency: str | None,
) -> "Source":
    from regulars_clv.file_runs import Source

    if period not in PERIODS:
        raise typer.BadParameter(f"{period!r} is none of {', '.join(PERIODS)}", param_hint="--period")
    if transactions is not None and summary is not None:
        raise typer.BadParameter("give either --transactions or --summary, not both", param_hint="--summary")
    path = transactions or summary
    return Source(
        path=path,
        is_summary=summary is not None,
        period=period,
        today=_today(),
        calibration_end=None if calibration_end is None else calibration_end.date(),
        currency=currency,
    )


def _today() -> date:
    return datetime.now(tz=UTC).date()


def _model(name: str, source: "Source") -> "PurchaseModel | None":
    """Return the model of that name; none for ``auto``, which needs transactions to compare on."""
    from regulars_clv.catalogue import MODELS

    if name == AUTO:
        if source.is_summary:
            raise typer.BadParameter("auto compares forecasts, so it needs --transactions", param_hint="--model")
        return None
    if name not in MODELS:
        names = ", ".join([*MODELS, AUTO])
        raise typer.BadParameter(f"{name!r} is not available here; there are {names}", param_hint="--model")
    return MODELS[name]


def _given(text: str, model: "PurchaseModel | None") -> "GivenParameters":
    from regulars_clv.file_runs import GivenParameters
    from regulars_clv.gamma_gamma import PARAMETER_NAMES

    if model is None:
        raise typer.BadParameter("auto chooses by fitting, so it takes none", param_hint="--parameters")
    numbers = _numbers(text)
    purchases = {name: numbers.pop(name) for name in model.parameter_names if name in numbers}
    spend = {name: numbers.pop(name) for name in PARAMETER_NAMES if name in numbers}
    complete = len(purchases) == len(model.parameter_names) and len(spend) in (0, len(PARAMETER_NAMES))
    if numbers or not complete:
        names, amounts = ", ".join(model.parameter_names), ", ".join(PARAMETER_NAMES)
        raise typer.BadParameter(
            f"{model.name} takes {names}, and for the amounts {amounts} or none of them", param_hint="--parameters"
        )
    return GivenParameters(purchases=purchases, spend=spend or None)


def _numbers(text: str) -> dict[str, float]:
    numbers = {}
    for entry in text.split(","):
        name, _, written = entry.partition("=")
        try:
            number = float(written)
        except ValueError:
            number = float("nan")
        if not 0 < number < float("inf"):
            raise typer.BadParameter(f"{entry!r} is not a name=number above 0", param_hint="--parameters")
        numbers[name.strip()] = number
    return numbers


def _print(run: Callable[[], Mapping[str, object]], *, as_json: bool) -> None:
    """Print what ``run`` returns, or why it cannot; results to stdout, progress to stderr."""
    typer.echo("Reading and computing ...", err=True)
    try:
        report = run()
    except (InputRefused, NotFitted) as problem:
        currencies = {"currencies": problem.currencies} if isinstance(problem, CurrencyMix) else {}
        typer.echo(json_line({"error_code": problem.code, "message": str(problem), **currencies}))
        raise typer.Exit(REFUSED if isinstance(problem, InputRefused) else NOT_FITTED) from problem
    typer.echo(json_line(report) if as_json else plain_lines(report))
    typer.echo("Done.", err=True)
