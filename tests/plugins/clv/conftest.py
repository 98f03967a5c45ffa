"""What the tests of lifetime value share: the published figures, the CDNOW purchases, simulated customers, the CLI."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from regulars.demo.cdnow import cdnow_purchases, cdnow_text
from regulars_clv.cli import app
from regulars_clv.history import DistinctRows, History, compress
from regulars_clv.preparation import Prepared, prepare
from regulars_clv.transactions import Transactions, transactions_of

CHECKOUT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Outcome:
    """What a command printed to stdout, read as JSON, and how it ended."""

    exit_code: int
    text: str
    error_text: str

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.text, parse_constant=refuse_constant)
        return report


def refuse_constant(name: str) -> None:
    pytest.fail(f"{name} is no JSON")


@pytest.fixture(scope="session")
def reference() -> dict[str, Any]:
    """Published and recomputed figures; tests/data/clv_reference.md names their sources."""
    figures: dict[str, Any] = json.loads((CHECKOUT / "tests/data/clv_reference.json").read_text(encoding="utf-8"))
    return figures


@pytest.fixture(scope="session")
def cdnow_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CDNOW transactions as a file: the reference folder's own, else written from the installed wheel."""
    folder = Path(os.environ.get("REGULARS_REFERENCE_DATA", CHECKOUT.parent / "shared" / "data"))
    kept = folder / "cdnow_sample_transactions.csv"
    return kept if kept.exists() else written(tmp_path_factory.mktemp("cdnow") / kept.name, cdnow_transactions())


def cdnow_transactions() -> Transactions:
    purchases = cdnow_purchases()
    return transactions_of(
        [purchase.customer for purchase in purchases],
        [purchase.day for purchase in purchases],
        [float(purchase.amount) for purchase in purchases],
    )


def written(path: Path, transactions: Transactions) -> Path:
    lines = [
        f"{transactions.customer_ids[customer]},{date.fromordinal(int(day)).isoformat()},{amount:.2f}"
        for customer, day, amount in zip(transactions.customer, transactions.day, transactions.amount, strict=True)
    ]
    path.write_text("\n".join(["customer_id,date,amount", *lines, ""]), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def rounded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authors' own two-decimal table, behind the published numbers."""
    _, *lines = cdnow_text("cdnow_customers_summary_with_transactions.csv").splitlines()
    path = tmp_path_factory.mktemp("cdnow") / "cdnow_sample_summary_rounded.csv"
    path.write_text("\n".join(["customer_id,frequency,recency,T,monetary_value", *lines, ""]), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def cdnow() -> Transactions:
    return cdnow_transactions()


@pytest.fixture(scope="session")
def cdnow_prepared(cdnow: Transactions) -> Prepared:
    return prepare(cdnow, period_days=7, calibration_end=date(1997, 9, 30))


@pytest.fixture(scope="session")
def cdnow_rows(cdnow_prepared: Prepared) -> DistinctRows:
    return compress(cdnow_prepared.history)


@pytest.fixture
def clv() -> Callable[..., Outcome]:
    """Run `regulars clv` with some arguments."""

    def run(*arguments: object) -> Outcome:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        return Outcome(exit_code=result.exit_code, text=result.stdout, error_text=result.stderr)

    return run


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[[str], Path]:
    """Write some text, line ends as they are, and return its path."""

    def write(text: str) -> Path:
        path = tmp_path / "input.csv"
        path.write_bytes(text.encode("utf-8"))
        return path

    return write


@pytest.fixture(scope="session")
def simulated() -> Callable[..., History]:
    """Draw customers as the models imagine them: a rate each, and a chance to leave after each purchase."""

    def draw(*, chances: int, r: float, alpha: float, a: float, b: float, customers: int, seed: int) -> History:
        generator = np.random.default_rng(seed)
        age = generator.uniform(20.0, 80.0, customers)
        offered = generator.poisson(generator.gamma(r, 1 / alpha, customers) * age)
        stays = generator.geometric(np.maximum(generator.beta(a, b, customers), 1e-12)) - chances
        bought = np.minimum(offered, stays)
        place = np.maximum(bought, 1)
        when = age * generator.beta(place, np.maximum(offered - place + 1, 1))
        return History(
            frequency=bought.astype(np.float64),
            recency=np.where(bought > 0, when, 0.0),
            age=age,
            monetary_value=np.zeros(customers),
        )

    return draw
