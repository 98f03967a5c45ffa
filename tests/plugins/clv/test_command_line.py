"""The commands answer as the documentation promises, on good files and on bad ones."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Clv = Callable[..., Any]
CsvFile = Callable[[str], Path]
REPEATS = "customer_id,date,amount\na,2026-01-01,10\na,2026-01-09,10\nb,2026-01-02,5\n"
BGNBD_PARAMETERS = "r=0.25,alpha=4,a=0.8,b=2.5"
TWO_CUSTOMERS = "customer_id,frequency,recency,T\n1,0,0,40\n2,200,38,40\n"


def edge_case(reference: dict[str, Any], name: str) -> dict[str, Any]:
    case: dict[str, Any] = next(case for case in reference["edge_cases"] if case["id"] == name)
    return case


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


@pytest.mark.parametrize("name", ["same-day-merge-unsorted-crlf", "amount-not-a-number", "future-date"])
def test_prepare_answers_the_edge_case(clv: Clv, csv_file: CsvFile, reference: dict[str, Any], name: str) -> None:
    case = edge_case(reference, name)

    outcome = clv(
        "prepare",
        *("--transactions", csv_file(case["input"]["csv"]), "--period", case["input"]["period"]),
        *("--calibration-end", case["input"]["calibration_end"], "--json"),
    )

    assert outcome.exit_code == case["expected"]["exit"]
    assert outcome.report["rejected"] == case["expected"]["rejected"]
    customers = [without(row, "refund_amount") for row in outcome.report["customers"]]
    assert customers == [pytest.approx(row, abs=1e-12) for row in case["expected"]["customers"]]


def test_a_return_is_not_a_purchase(clv: Clv, csv_file: CsvFile, reference: dict[str, Any]) -> None:
    case = edge_case(reference, "return-is-not-a-purchase")

    outcome = clv(
        "prepare",
        *("--transactions", csv_file(case["input"]["csv"])),
        *("--calibration-end", case["input"]["calibration_end"], "--json"),
    )

    assert outcome.report["customers"] == case["expected"]["customers"]


@pytest.mark.parametrize("name", ["empty-file", "currency-mix", "one-purchase-each"])
def test_fit_refuses_the_edge_case(clv: Clv, csv_file: CsvFile, reference: dict[str, Any], name: str) -> None:
    case = edge_case(reference, name)

    outcome = clv(
        "fit",
        *("--transactions", csv_file(case["input"]["csv"]), "--model", case["input"]["model"]),
        *("--calibration-end", case["input"]["calibration_end"], "--json"),
    )

    assert outcome.exit_code == case["expected"]["exit"]
    assert without(outcome.report, "message") == without(case["expected"], "exit")
    assert outcome.report["message"]


def test_score_is_stable_for_busy_customers(clv: Clv, csv_file: CsvFile, reference: dict[str, Any]) -> None:
    case = edge_case(reference, "bgnbd-log-likelihood-is-stable")

    outcome = clv(
        "score",
        *("--summary", csv_file(TWO_CUSTOMERS), "--model", "bgnbd", "--parameters", BGNBD_PARAMETERS),
        *("--horizon", 39, "--json"),
    )

    found = [{"log_likelihood": score["log_likelihood"]} for score in outcome.report["scores"]]
    assert found == [pytest.approx(row, abs=case["tolerance"]["abs"]) for row in case["expected"]]


def test_paretonbd_does_not_underflow_for_busy_customers(
    clv: Clv, csv_file: CsvFile, reference: dict[str, Any]
) -> None:
    case = edge_case(reference, "paretonbd-underflow-pair")
    file = csv_file("customer_id,frequency,recency,T\n1,132,200,200\n2,133,200,200\n")

    outcome = clv(
        "score",
        *("--summary", file, "--model", "paretonbd", "--parameters", "r=.55,alpha=10.58,s=.61,beta=11.67"),
        *("--horizon", case["input"]["horizon_periods"], "--json"),
    )

    found = [{"expected_purchases": score["expected_purchases"]} for score in outcome.report["scores"]]
    assert found == [pytest.approx(row, rel=case["tolerance"]["rel"]) for row in case["expected"]]


def test_bgnbd_says_of_a_customer_without_repeats_that_alive_means_nothing(clv: Clv, csv_file: CsvFile) -> None:
    outcome = clv(
        "score",
        *("--summary", csv_file(TWO_CUSTOMERS), "--model", "bgnbd", "--parameters", BGNBD_PARAMETERS, "--json"),
    )

    without_repeats, busy = outcome.report["scores"]
    assert (without_repeats["p_alive"], without_repeats["warnings"]) == (1.0, ["ALIVE_NOT_IDENTIFIED"])
    assert busy["warnings"] == []


def test_mbgnbd_doubts_a_customer_without_repeats(clv: Clv, csv_file: CsvFile) -> None:
    outcome = clv(
        "score",
        *("--summary", csv_file(TWO_CUSTOMERS), "--model", "mbgnbd", "--parameters", BGNBD_PARAMETERS, "--json"),
    )

    assert 0 < outcome.report["scores"][0]["p_alive"] < 1
    assert outcome.report["scores"][0]["warnings"] == []


def test_nbd_has_no_opinion_on_being_alive(clv: Clv, csv_file: CsvFile) -> None:
    outcome = clv(
        "score",
        *("--summary", csv_file(TWO_CUSTOMERS), "--model", "nbd", "--parameters", "r=0.4,alpha=12", "--json"),
    )

    assert [score["p_alive"] for score in outcome.report["scores"]] == [None, None]


def test_amount_parameters_give_a_value(clv: Clv, csv_file: CsvFile) -> None:
    file = csv_file("customer_id,frequency,recency,T,monetary_value\n1,2,30.43,38.86,22.35\n")

    outcome = clv(
        "score",
        *("--summary", file, "--model", "bgnbd", "--horizon", 39, "--discount", 0, "--json"),
        *("--parameters", "r=.243,alpha=4.414,a=.793,b=2.426,p=6.25,q=3.74,v=15.44"),
    )

    assert outcome.report["scores"][0]["value"] == pytest.approx(1.226028175 * 24.66371391, rel=1e-8)


def test_score_fits_the_file_itself_when_no_parameters_are_given(clv: Clv, cdnow_file: Path) -> None:
    outcome = clv(
        "score",
        *("--transactions", cdnow_file, "--model", "bgnbd", "--calibration-end", "1997-09-30"),
        *("--horizon", 12 * 4.345, "--json"),
    )

    assert len(outcome.report["scores"]) == 2357
    assert sum(score["value"] for score in outcome.report["scores"]) == pytest.approx(71507.94764, rel=1e-4)


def test_validate_prints_counts_and_value_beside_the_past_rate(
    clv: Clv, cdnow_file: Path, reference: dict[str, Any]
) -> None:
    case = reference["holdout_39_weeks"]

    report = clv(
        "validate",
        *("--transactions", cdnow_file, "--model", "bgnbd"),
        *("--calibration-end", "1997-09-30", "--holdout-end", "1998-06-30", "--json"),
    ).report

    assert set(report["counts"]) == {"bgnbd", "naive_past_rate"}
    assert set(report["value"]) == set(case["value"])
    assert report["counts"]["bgnbd"]["mae"] == pytest.approx(case["counts"]["bgnbd"]["mae"], abs=0.005)
    assert 0.88 <= report["counts"]["bgnbd"]["coverage"] <= 0.97


def test_shuffled_rows_print_the_same_bytes(clv: Clv, csv_file: CsvFile, cdnow_file: Path) -> None:
    header, *rows = cdnow_file.read_text(encoding="utf-8").splitlines()
    shuffled = random.Random(7).sample(rows, len(rows))
    options = ("--model", "bgnbd", "--calibration-end", "1997-09-30", "--json")

    in_order = clv("fit", "--transactions", cdnow_file, *options)
    mixed = clv("fit", "--transactions", csv_file("\n".join([header, *shuffled])), *options)

    assert mixed.text == in_order.text


def test_customers_twice_under_new_ids_double_the_log_likelihood(
    clv: Clv, csv_file: CsvFile, cdnow_file: Path, reference: dict[str, Any]
) -> None:
    case = edge_case(reference, "row-order-and-doubling")
    header, *rows = cdnow_file.read_text(encoding="utf-8").splitlines()
    twice = csv_file("\n".join([header, *rows, *(f"twin-{row}" for row in rows)]))

    report = clv("fit", "--transactions", twice, "--model", "bgnbd", "--calibration-end", "1997-09-30", "--json").report

    assert report["log_likelihood"] == pytest.approx(
        case["expected"]["doubled"]["log_likelihood"], abs=case["tolerance"]["abs"]
    )
    assert report["parameters"] == pytest.approx(reference["fits"]["bgnbd"]["parameters"], rel=2e-5)


def test_numbers_carry_twelve_significant_digits(clv: Clv, cdnow_file: Path) -> None:
    text = clv("fit", "--transactions", cdnow_file, "--calibration-end", "1997-09-30", "--json").text

    numbers: list[str] = []
    json.loads(text, parse_float=numbers.append)

    assert numbers == [repr(float(f"{float(number):.12g}")) for number in numbers]


def test_progress_goes_to_stderr_alone(clv: Clv, csv_file: CsvFile) -> None:
    outcome = clv("prepare", "--transactions", csv_file(REPEATS), "--json")

    assert "Done." in outcome.error_text
    assert outcome.text.count("\n") == 1


def test_without_json_a_reader_gets_lines(clv: Clv, csv_file: CsvFile) -> None:
    outcome = clv("prepare", "--transactions", csv_file(REPEATS))

    assert outcome.text.splitlines()[:2] == ["period: week", "calibration_end: 2026-01-09"]


def test_the_newest_day_is_the_cut_when_none_is_given(clv: Clv, csv_file: CsvFile) -> None:
    report = clv("prepare", "--transactions", csv_file(REPEATS), "--json").report

    assert report["calibration_end"] == "2026-01-09"
    assert report["customers"][1]["T"] == 1.0


def one_bad_row_in_sixty() -> str:
    rows = "".join(f"c{number},2026-01-01,5\nc{number},2026-01-09,5\n" for number in range(30))
    return f"customer_id,date,amount\n{rows}c1,nonsense,5\n"


def test_more_than_one_percent_of_bad_rows_is_refused(clv: Clv, csv_file: CsvFile) -> None:
    outcome = clv("fit", "--transactions", csv_file(one_bad_row_in_sixty()), "--json")

    assert (outcome.exit_code, outcome.report["error_code"]) == (3, "CLV_TOO_MANY_REJECTED")


def test_a_larger_share_of_bad_rows_can_be_allowed(clv: Clv, csv_file: CsvFile) -> None:
    outcome = clv("fit", "--transactions", csv_file(one_bad_row_in_sixty()), "--max-rejected", 0.02, "--json")

    assert outcome.exit_code == 0
    assert outcome.report["rejected"] == [{"line": 62, "code": "BAD_DATE"}]


def test_few_repeaters_leave_the_amounts_empty_with_a_warning(clv: Clv, csv_file: CsvFile) -> None:
    report = clv("fit", "--transactions", csv_file(REPEATS), "--json").report

    assert report["gamma_gamma"] is None
    assert "TOO_FEW_REPEATERS" in report["warnings"]


def test_a_degenerate_fit_keeps_its_figures_and_shows_the_fallback(clv: Clv, csv_file: CsvFile) -> None:
    report = clv("fit", "--transactions", csv_file(REPEATS), "--json").report

    assert report["degenerate"] is True
    assert report["degenerate_reason"] == "attrition cannot be identified in this data"
    assert report["standard_errors"] is None
    assert set(report["parameters"]) == {"r", "alpha", "a", "b"}
    assert report["fallback"]["model"] == "nbd"
    assert set(report["fallback"]["parameters"]) == {"r", "alpha"}


def test_a_degenerate_score_has_no_p_alive(clv: Clv, csv_file: CsvFile) -> None:
    report = clv("score", "--transactions", csv_file(REPEATS), "--horizon", 10, "--json").report

    assert report["model"] == "nbd"
    assert [score["p_alive"] for score in report["scores"]] == [None, None]
    assert "DEGENERATE" in report["warnings"]


def test_a_missing_column_is_refused(clv: Clv, csv_file: CsvFile) -> None:
    outcome = clv("fit", "--transactions", csv_file("customer_id,date\na,2026-01-01\n"), "--json")

    assert (outcome.exit_code, outcome.report["error_code"]) == (3, "CLV_COLUMN_MISSING")


def test_a_cut_before_every_purchase_is_refused(clv: Clv, csv_file: CsvFile) -> None:
    outcome = clv("fit", "--transactions", csv_file(REPEATS), "--calibration-end", "2025-01-01", "--json")

    assert (outcome.exit_code, outcome.report["error_code"]) == (3, "CLV_EMPTY")


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "--transactions", "nowhere.csv"],
        ["fit", "--transactions", "FILE", "--model", "magic"],
        ["fit", "--transactions", "FILE", "--summary", "FILE"],
        ["fit", "--transactions", "FILE", "--period", "fortnight"],
        ["fit", "--transactions", "FILE", "--calibration-end", "soon"],
        ["score", "--transactions", "FILE", "--horizon", "0"],
        ["score", "--transactions", "FILE", "--model", "bgnbd", "--parameters", "r=1"],
        ["score", "--transactions", "FILE", "--model", "nbd", "--parameters", "r=1,alpha=nan"],
        ["score", "--transactions", "FILE", "--model", "nbd", "--parameters", "r=1,alpha=2,zeta=3"],
        ["validate", "--transactions", "FILE"],
        ["fit", "--model", "sbg"],
        ["fit", "--cohort", "FILE"],
        ["fit", "--summary", "FILE", "--model", "auto"],
        ["score", "--transactions", "FILE", "--model", "auto", "--parameters", "r=1"],
        ["score", "--transactions", "FILE", "--model", "sbg"],
    ],
)
def test_a_wrong_call_ends_with_two_and_prints_no_result(clv: Clv, csv_file: CsvFile, arguments: list[str]) -> None:
    file = str(csv_file(REPEATS))

    outcome = clv(*(file if argument == "FILE" else argument for argument in arguments))

    assert (outcome.exit_code, outcome.text) == (2, "")


def test_an_unknown_model_lists_those_that_there_are(clv: Clv, csv_file: CsvFile) -> None:
    outcome = clv("fit", "--transactions", csv_file(REPEATS), "--model", "magic")

    assert {"mbgnbd,", "bgnbd,"} <= set(outcome.error_text.split())
