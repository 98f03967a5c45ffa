from hashlib import sha256
from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from tests.core.assignment.conftest import SEED, units

from regulars.assignment.draws import Arm, arm_of, drawing, in_order_of_entry, slicing

THIRDS = (Arm("control", 0.2), Arm("small", 0.3), Arm("large", 0.5))
MANY = units(20_000)


def test_a_unit_draws_what_the_description_says() -> None:
    parts = b"".join(len(part).to_bytes(4, "big") + part for part in (SEED.encode(), b"arm", b"pilot", b"unit-1"))

    drawn = drawing(SEED, "pilot")("unit-1").arm

    assert drawn == (int.from_bytes(sha256(parts).digest()[:8], "big") >> 11) / 2**53


def test_the_numbers_are_those_of_another_program() -> None:
    # Written for node.js from the description above: crypto.createHash("sha256"), readBigUInt64BE(0) >> 11n, / 2 ** 53.
    draw = drawing("seed", "programme")

    assert [draw(unit) for unit in ("", "a", "ä")] == [
        (0.6658634862475412, 0.7404997852826094),
        (0.8164520569666531, 0.2384594193693771),
        (0.42668318119870396, 0.35611639147096485),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        (("a", ""), ("", "a")),
        (("pilot", "1"), ("pilot1", "")),
        (("a|b", "c"), ("a", "b|c")),
    ],
)
def test_parts_that_only_look_alike_together_draw_differently(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert drawing(SEED, one[0])(one[1]) != drawing(SEED, other[0])(other[1])


def test_another_seed_draws_other_numbers() -> None:
    assert drawing("one", "pilot")("unit-1") != drawing("another", "pilot")("unit-1")


def test_the_numbers_are_spread_evenly_and_know_nothing_of_each_other() -> None:
    drawn = np.array([drawing(SEED, "pilot")(unit) for unit in MANY])
    table, _, _ = np.histogram2d(drawn[:, 0], drawn[:, 1], bins=10, range=[[0, 1], [0, 1]])

    assert stats.kstest(drawn[:, 0], "uniform").pvalue > 1e-4
    assert stats.kstest(drawn[:, 1], "uniform").pvalue > 1e-4
    assert stats.chi2_contingency(table).pvalue > 1e-4


def test_programmes_of_similar_names_are_independent() -> None:
    in_first_half = [
        np.array([drawing(SEED, f"pilot-{number}")(unit).arm < 0.5 for unit in MANY[:5000]]) for number in range(12)
    ]

    p_values = [
        stats.chi2_contingency(np.histogram2d(one, other, bins=2)[0]).pvalue
        for one, other in combinations(in_first_half, 2)
    ]

    assert len(p_values) == 66
    assert min(p_values) > 1e-4


@pytest.mark.parametrize(
    ("number", "arm"),
    [(0.0, "control"), (0.1999, "control"), (0.2, "small"), (0.4999, "small"), (0.5, "large"), (1 - 2**-53, "large")],
)
def test_a_number_falls_into_one_share(number: float, arm: str) -> None:
    assert arm_of(number, THIRDS) == arm


def test_an_arm_without_a_share_is_nobodys() -> None:
    assert arm_of(0.0, (Arm("nobody", 0), Arm("everybody", 1))) == "everybody"


def test_shares_that_lose_a_little_to_rounding_cover_everything() -> None:
    tenths = [Arm(str(number), 0.1) for number in range(10)]

    assert arm_of(1 - 2**-53, tenths) == "9"


def test_raising_a_cap_only_adds_units() -> None:
    order = in_order_of_entry(SEED, "pilot", MANY[:1000])

    again = in_order_of_entry(SEED, "pilot", reversed(MANY[:1000]))

    assert order == again
    assert order != sorted(order)


def test_a_larger_slice_holds_all_of_a_smaller_one() -> None:
    small = set(filter(slicing(SEED, share=0.05), MANY))
    large = set(filter(slicing(SEED, share=0.1), MANY))

    assert small < large
    assert stats.binomtest(len(small), len(MANY), 0.05).pvalue > 1e-4
