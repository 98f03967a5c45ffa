from datetime import timedelta

import pytest
from sqlalchemy import func, select
from tests.core.assignment.conftest import HALVES, SEED, Randomiser, units

from regulars.assignment.draws import Arm
from regulars.assignment.models import AssignedUnit
from regulars.assignment.programmes import change_arms, close_programme, set_holdout
from regulars.assignment.service import Assignment, draw_units, forget_units, keep_drawn, read_assignments
from regulars.errors import ForbiddenTransition, InvalidInput, NotUnique, OutOfRange

DAY = timedelta(days=1)


async def rows(randomiser: Randomiser) -> int:
    async with randomiser.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(AssignedUnit)) or 0


async def hold_out(randomiser: Randomiser, share: float, *, seed: str = SEED) -> None:
    now = randomiser.clock.now()
    async with randomiser.database.writing() as session:
        await set_holdout(session, share=share, until=now + 90 * DAY, seed=seed, now=now)


async def test_every_unit_gets_the_arm_that_was_drawn_for_it(randomiser: Randomiser) -> None:
    programme = await randomiser.programme()

    assigned = await randomiser.assign(programme, units(1000))

    assert list(assigned.by_unit.values()) == sorted(draw_units(programme, units(1000)))
    assert assigned.excluded == {}
    assert await rows(randomiser) == 1000


async def test_the_numbers_are_kept_as_they_were_drawn(randomiser: Randomiser) -> None:
    programme = await randomiser.programme()
    assigned = await randomiser.assign(programme, units(50))

    async with randomiser.database.reading() as session:
        kept = await read_assignments(session, programme_id=programme.id, units=units(50))

    assert kept == assigned.by_unit


async def test_who_is_assigned_stays_when_the_shares_change(randomiser: Randomiser) -> None:
    programme = await randomiser.programme()
    before = await randomiser.assign(programme, units(200))
    async with randomiser.database.writing() as session:
        changed = await change_arms(session, programme_id=programme.id, arms=[Arm("control", 0.1), Arm("treated", 0.9)])

    after = await randomiser.assign(changed, units(400))

    newcomers = [each for unit, each in after.by_unit.items() if unit not in before.by_unit]
    assert {unit: after.by_unit[unit] for unit in before.by_unit} == before.by_unit
    assert {each.arm == "control" for each in newcomers if each.arm_value < 0.1} == {True}
    assert {each.arm == "treated" for each in newcomers if each.arm_value >= 0.1} == {True}


async def test_a_unit_that_is_named_twice_counts_once(randomiser: Randomiser) -> None:
    programme = await randomiser.programme()

    assigned = await randomiser.assign(programme, ["a", "b", "a"])

    assert list(assigned.by_unit) == ["a", "b"]
    assert await rows(randomiser) == 2


@pytest.mark.parametrize("unit", ["", " ", "a\x00b", "a" * 256])
async def test_what_is_no_id_is_refused(randomiser: Randomiser, unit: str) -> None:
    programme = await randomiser.programme()

    with pytest.raises(InvalidInput):
        await randomiser.assign(programme, ["fine", unit])

    assert await rows(randomiser) == 0


async def test_a_unit_takes_part_in_one_programme_of_a_layer(randomiser: Randomiser) -> None:
    first = await randomiser.programme("first", layer="mail")
    second = await randomiser.programme("second", layer="mail")
    elsewhere = await randomiser.programme("elsewhere", layer="web")
    await randomiser.assign(first, units(10))

    in_second = await randomiser.assign(second, units(20))
    in_elsewhere = await randomiser.assign(elsewhere, units(20))

    assert set(in_second.by_unit) == set(units(10, 10))
    assert in_second.excluded == dict.fromkeys(units(10), "layer")
    assert len(in_elsewhere.by_unit) == 20


async def test_a_programme_that_is_closed_frees_its_layer_and_forgets_nobody(randomiser: Randomiser) -> None:
    first = await randomiser.programme("first", layer="mail")
    second = await randomiser.programme("second", layer="mail")
    before = await randomiser.assign(first, units(10))
    async with randomiser.database.writing() as session:
        closed = await close_programme(session, programme_id=first.id, now=randomiser.clock.now())

    in_second = await randomiser.assign(second, units(10))
    async with randomiser.database.reading() as session:
        kept = await read_assignments(session, programme_id=first.id, units=units(10))

    assert closed.closed_at == randomiser.clock.now()
    assert len(in_second.by_unit) == 10
    assert kept == before.by_unit


async def test_a_programme_that_is_closed_assigns_nobody(randomiser: Randomiser) -> None:
    programme = await randomiser.programme()
    async with randomiser.database.writing() as session:
        closed = await close_programme(session, programme_id=programme.id, now=randomiser.clock.now())

    with pytest.raises(ForbiddenTransition, match="closed"):
        await randomiser.assign(closed, ["a"])

    assert await rows(randomiser) == 0


async def test_who_is_held_out_is_assigned_nowhere(randomiser: Randomiser) -> None:
    await hold_out(randomiser, 0.2)
    one, other = await randomiser.programme("one"), await randomiser.programme("other")
    apart = await randomiser.programme("apart", has_holdout=False)

    in_one, in_other = await randomiser.assign(one, units(500)), await randomiser.assign(other, units(500))
    in_apart = await randomiser.assign(apart, units(500))

    assert in_one.excluded == in_other.excluded
    assert set(in_one.excluded.values()) == {"held_out"}
    assert 60 < len(in_one.excluded) < 140
    assert len(in_apart.by_unit) == 500


async def test_a_larger_holdout_keeps_whom_it_held_and_moves_nobody_who_is_assigned(randomiser: Randomiser) -> None:
    programme = await randomiser.programme()
    await hold_out(randomiser, 0.1)
    before = await randomiser.assign(programme, units(300))
    await hold_out(randomiser, 0.3, seed="another seed, which is not taken")

    after = await randomiser.assign(programme, units(600))

    assert before.excluded.items() <= after.excluded.items()
    assert before.by_unit.items() <= after.by_unit.items()


async def test_a_holdout_that_is_over_holds_nobody(randomiser: Randomiser) -> None:
    await hold_out(randomiser, 0.5)
    programme = await randomiser.programme()
    randomiser.clock.advance(91 * DAY)

    assigned = await randomiser.assign(programme, units(50))

    assert assigned.excluded == {}


async def test_arms_that_were_drawn_in_another_way_are_kept_as_they_are(randomiser: Randomiser) -> None:
    programme = await randomiser.programme()
    drawn = [Assignment("a", "treated", 0.25, 0.75), Assignment("b", "control", 0.5, 0.125)]

    async with randomiser.database.writing() as session:
        kept = await keep_drawn(session, programme=programme, drawn=drawn, now=randomiser.clock.now())

    assert list(kept.by_unit.values()) == drawn


async def test_a_unit_that_is_erased_is_forgotten_in_every_programme(randomiser: Randomiser) -> None:
    one, other = await randomiser.programme("one"), await randomiser.programme("other")
    stores = await randomiser.programme("stores", unit_kind="store")
    for programme in (one, other, stores):
        await randomiser.assign(programme, ["a", "b"])

    async with randomiser.database.writing() as session:
        forgotten = await forget_units(session, unit_kind="customer", units=["a"])

    assert forgotten == 2
    assert await rows(randomiser) == 4


@pytest.mark.parametrize(
    "arms",
    [
        [],
        [Arm("a", 0.5), Arm("b", 0.4)],
        [Arm("a", 0.5), Arm("a", 0.5)],
        [Arm("a", 1.5), Arm("b", -0.5)],
        [Arm("a", float("nan")), Arm("b", 1)],
        [Arm("", 0.5), Arm("b", 0.5)],
    ],
    ids=["none", "less than all", "same name", "negative", "no number", "no name"],
)
async def test_arms_that_are_none_are_refused(randomiser: Randomiser, arms: list[Arm]) -> None:
    with pytest.raises(InvalidInput):
        await randomiser.programme(arms=arms)


async def test_a_name_is_given_once(randomiser: Randomiser) -> None:
    await randomiser.programme()

    with pytest.raises(NotUnique):
        await randomiser.programme(arms=HALVES)


@pytest.mark.parametrize("share", [-0.1, 0.6, float("nan")])
async def test_a_holdout_of_more_than_a_half_is_refused(randomiser: Randomiser, share: float) -> None:
    with pytest.raises(OutOfRange):
        await hold_out(randomiser, share)
