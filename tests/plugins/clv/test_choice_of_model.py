"""`--model auto` compares forecasts on a holdout and says why it chose."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from regulars_clv.choice import choose_model
from regulars_clv.transactions import Transactions, transactions_of

Clv = Callable[..., Any]


def test_the_chosen_model_has_the_best_places_in_both_errors(cdnow: Transactions) -> None:
    choice = choose_model(cdnow, period_days=7, calibration_end=date(1997, 9, 30))

    by_mae = sorted(choice.candidates, key=lambda each: each.mae)
    by_decile = sorted(choice.candidates, key=lambda each: each.decile_mape or 0.0)
    places = {each.name: by_mae.index(each) + by_decile.index(each) for each in choice.candidates}
    assert set(places) == {"mbgnbd", "bgnbd", "paretonbd"}
    assert places[choice.model.name] == min(places.values())


def test_purchases_after_the_cut_have_no_say(cdnow: Transactions) -> None:
    known = cdnow.day <= date(1997, 9, 30).toordinal()
    earlier = transactions_of(
        [cdnow.customer_ids[place] for place in cdnow.customer[known]],
        [date.fromordinal(int(day)) for day in cdnow.day[known]],
        cdnow.amount[known].tolist(),
    )

    informed = choose_model(cdnow, period_days=7, calibration_end=date(1997, 9, 30))
    blind = choose_model(earlier, period_days=7, calibration_end=date(1997, 9, 30))

    assert blind.candidates == informed.candidates


def test_auto_prints_the_model_and_the_reason(clv: Clv, cdnow_file: Path) -> None:
    report = clv(
        "fit", "--transactions", cdnow_file, "--model", "auto", "--calibration-end", "1997-09-30", "--json"
    ).report

    assert report["model"] in ("mbgnbd", "bgnbd", "paretonbd")
    assert report["choice"]["reason"].startswith(f"{report['model']} came closest from 1997-07-02 to 1997-09-30")
    assert [each["model"] for each in report["choice"]["candidates"]] == ["mbgnbd", "bgnbd", "paretonbd"]


@pytest.mark.parametrize("gap", [0, 1, 40])
def test_too_short_a_history_takes_the_default_and_says_so(gap: int) -> None:
    day = date(2026, 1, 1)
    bought = transactions_of(["a", "b", "b"], [day, day, day + timedelta(days=gap)], [1.0, 1.0, 1.0])

    choice = choose_model(bought, period_days=7, calibration_end=day + timedelta(days=gap))

    assert choice.model.name == "mbgnbd"
    assert "default is taken" in choice.reason
