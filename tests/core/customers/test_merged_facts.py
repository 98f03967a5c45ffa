from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.customers.merged_facts import MergeStep, PersonFacts, combined, taken_out

ANNA = PersonFacts(
    display_name="Anna",
    language=None,
    time_zone=None,
    jurisdiction=None,
    age="adult",
    has_guardian_consent=False,
    status="active",
)

facts = st.builds(
    PersonFacts,
    display_name=st.sampled_from([None, "Anna", "Berta"]),
    language=st.sampled_from([None, "de", "fr"]),
    time_zone=st.sampled_from([None, "Europe/Berlin"]),
    jurisdiction=st.sampled_from([None, "DE"]),
    age=st.sampled_from(["adult", "minor", "unknown"]),
    has_guardian_consent=st.booleans(),
    status=st.sampled_from(["active", "restricted", "deceased"]),
)


def known(**changed: object) -> PersonFacts:
    return PersonFacts(**{**vars(ANNA), **changed})


def steps(own: PersonFacts, merged: list[PersonFacts]) -> list[MergeStep]:
    made: list[MergeStep] = []
    for other in merged:
        before = made[-1].after if made else own
        made.append(MergeStep(before=before, after=combined(before, other), merged=other))
    return made


def test_the_survivors_own_facts_stand_and_the_others_fill_the_gaps() -> None:
    after = combined(known(display_name="Anna"), known(display_name="Anne", language="de"))

    assert (after.display_name, after.language) == ("Anna", "de")


def test_whoever_is_a_minor_in_one_of_the_two_is_a_minor() -> None:
    after = combined(known(age="adult", has_guardian_consent=True), known(age="minor"))

    assert (after.age, after.has_guardian_consent) == ("minor", False)


def test_every_guardian_must_have_agreed() -> None:
    agreed = known(age="minor", has_guardian_consent=True)

    assert combined(agreed, agreed).has_guardian_consent
    assert not combined(agreed, known(age="minor")).has_guardian_consent


def test_the_narrower_status_stands() -> None:
    assert combined(known(status="active"), known(status="restricted")).status == "restricted"
    assert combined(known(status="deceased"), known(status="restricted")).status == "deceased"


def test_what_was_edited_after_the_merge_stands_when_the_merge_is_taken_out() -> None:
    [step] = steps(known(language=None), [known(language="de", time_zone="Europe/Berlin")])
    edited = PersonFacts(**{**vars(step.after), "language": "fr"})

    _, facts_then = taken_out(step, [], edited)

    assert (facts_then.language, facts_then.time_zone) == ("fr", None)


def test_a_gap_that_the_first_merge_filled_is_filled_by_the_second_once_the_first_is_taken_out() -> None:
    first, second = steps(known(language=None), [known(language="de"), known(language="fr")])

    [rebased], facts_then = taken_out(first, [second], second.after)

    assert facts_then.language == "fr"
    assert (rebased.before.language, rebased.after.language) == (None, "fr")


@settings(deadline=None)
@given(own=facts, merged=st.lists(facts, min_size=1, max_size=4), data=st.data())
def test_taking_a_merge_out_leaves_what_the_others_alone_would_have_made(
    own: PersonFacts, merged: list[PersonFacts], data: st.DataObject
) -> None:
    made = steps(own, merged)
    position = data.draw(st.integers(0, len(merged) - 1))

    rebased, facts_then = taken_out(made[position], made[position + 1 :], made[-1].after)

    others = merged[:position] + merged[position + 1 :]
    assert facts_then == reduce(combined, others, own)
    assert [*made[:position], *rebased] == steps(own, others)
