"""The published parameters, log-likelihoods and standard errors come out again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Clv = Callable[..., Any]

# MBG/NBD on the rounded table as the tests of lifetimes 0.11.3 (MIT) publish it, three decimals.
PUBLISHED_MBGNBD = {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}


def near(expected: dict[str, float], *, relative: float) -> Any:
    return pytest.approx(expected, rel=relative)


@pytest.mark.parametrize("model", ["bgnbd", "paretonbd", "nbd"])
def test_cdnow_gives_the_reference_parameters(
    clv: Clv, cdnow_file: Path, reference: dict[str, Any], model: str
) -> None:
    expected = reference["fits"][model]
    tolerance = expected["tolerance"]

    report = clv(
        "fit", "--transactions", cdnow_file, "--model", model, "--calibration-end", "1997-09-30", "--json"
    ).report

    assert report["parameters"] == near(expected["parameters"], relative=tolerance["parameters_rel"])
    assert report["log_likelihood"] == pytest.approx(expected["log_likelihood"], abs=tolerance["log_likelihood_abs"])
    assert (report["customers"], report["repeaters"], report["degenerate"]) == (2357, 946, False)


@pytest.mark.parametrize("model", ["bgnbd", "paretonbd"])
def test_cdnow_gives_the_reference_standard_errors(
    clv: Clv, cdnow_file: Path, reference: dict[str, Any], model: str
) -> None:
    expected = reference["fits"][model]

    report = clv(
        "fit", "--transactions", cdnow_file, "--model", model, "--calibration-end", "1997-09-30", "--json"
    ).report

    assert report["standard_errors"] == near(
        expected["standard_errors"], relative=expected["tolerance"]["standard_errors_rel"]
    )


def test_cdnow_gives_the_reference_amounts(clv: Clv, cdnow_file: Path, reference: dict[str, Any]) -> None:
    expected = reference["fits"]["gamma_gamma"]
    tolerance = expected["tolerance"]

    spend = clv("fit", "--transactions", cdnow_file, "--calibration-end", "1997-09-30", "--json").report["gamma_gamma"]

    assert spend["parameters"] == near(expected["parameters"], relative=tolerance["parameters_rel"])
    assert spend["standard_errors"] == near(expected["standard_errors"], relative=tolerance["standard_errors_rel"])
    assert spend["log_likelihood"] == pytest.approx(expected["log_likelihood"], abs=tolerance["log_likelihood_abs"])
    assert spend["customers"] == expected["customers"]


@pytest.mark.parametrize("model", ["bgnbd", "paretonbd"])
def test_rounded_table_gives_the_published_parameters(
    clv: Clv, rounded_file: Path, reference: dict[str, Any], model: str
) -> None:
    expected = reference["fits_from_rounded_table"][model]
    tolerance = expected["tolerance"]

    report = clv("fit", "--summary", rounded_file, "--model", model, "--json").report

    assert report["parameters"] == near(expected["parameters"], relative=tolerance["parameters_rel"])
    assert report["standard_errors"] == near(expected["standard_errors"], relative=tolerance["standard_errors_rel"])
    assert report["log_likelihood"] == pytest.approx(expected["log_likelihood"], abs=tolerance["log_likelihood_abs"])


def test_rounded_table_gives_the_published_amounts(clv: Clv, rounded_file: Path, reference: dict[str, Any]) -> None:
    expected = reference["fits_from_rounded_table"]["gamma_gamma"]
    tolerance = expected["tolerance"]

    spend = clv("fit", "--summary", rounded_file, "--json").report["gamma_gamma"]

    assert spend["parameters"] == near(expected["parameters"], relative=tolerance["parameters_rel"])
    assert spend["standard_errors"] == near(expected["standard_errors"], relative=tolerance["standard_errors_rel"])
    assert spend["log_likelihood"] == pytest.approx(expected["log_likelihood"], abs=tolerance["log_likelihood_abs"])


def test_rounded_table_gives_the_published_mbgnbd(clv: Clv, rounded_file: Path) -> None:
    report = clv("fit", "--summary", rounded_file, "--model", "mbgnbd", "--json").report

    assert report["parameters"] == pytest.approx(PUBLISHED_MBGNBD, abs=6e-4)
