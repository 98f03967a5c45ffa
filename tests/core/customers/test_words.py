import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.customers.words import after_beginning, searchable_words, words_to_find
from regulars.errors import InvalidInput


@pytest.mark.parametrize(
    ("name", "search"),
    [
        ("Anna Schmidt", "schm"),
        ("Anna Schmidt", "SCHMIDT anna"),
        ("José Núñez", "nunez"),
        ("Jose Nunez", "Núñez"),
        ("Müller-Lüdenscheidt", "luden"),
        ("Müller-Lüdenscheidt", "muller-lu"),
        ("Weiß", "weiss"),
        ("Łódź", "lodz"),
        ("Søren Kierkegård", "soren kierkegard"),
        ("O’Brien", "o'brien"),
        ("O'Brien", "obrien"),
        ("Schmidt, Anna", "anna schmidt,"),
        ("Αθηνά", "αθηνα"),
        ("Ёлкина", "елк"),
        ("王小明", "王小"),
        ("कुमार", "कुमा"),
        ("anna.schmidt@example.org", "anna.schmidt@example.org"),
        ("anna.schmidt@example.org", "schmidt"),
        ("anna.schmidt@example.org", "example"),
        ("+4930123456", "+49 30 1234"),
        ("+4930123456", "4930"),
        ("C-0042", "0042"),
    ],
)
def test_a_name_is_found_by_the_beginnings_of_its_words(name: str, search: str) -> None:
    kept = searchable_words([name])

    assert [any(word.startswith(beginning) for word in kept) for beginning in words_to_find(search)] == [True] * len(
        words_to_find(search)
    )


@pytest.mark.parametrize(("name", "search"), [("Anna", "nna"), ("anna@example.org", "org"), ("Anna", "Anna Schmidt")])
def test_the_middle_of_a_word_finds_nothing(name: str, search: str) -> None:
    kept = searchable_words([name])

    assert not all(any(word.startswith(beginning) for word in kept) for beginning in words_to_find(search))


def test_a_search_for_more_than_ten_words_is_refused() -> None:
    with pytest.raises(InvalidInput, match="up to 10 words"):
        words_to_find("a b c d e f g h i j k")


def test_a_very_long_word_is_found_by_its_whole_as_by_its_beginning() -> None:
    kept = searchable_words(["x" * 150])

    assert words_to_find("x" * 150) == tuple(kept)


@settings(deadline=None)
@given(beginning=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5), rest=st.text(max_size=5))
def test_every_word_lies_before_what_comes_after_its_beginning(beginning: str, rest: str) -> None:
    end = after_beginning(beginning)

    assert end is None or beginning <= beginning + rest < end


@settings(deadline=None)
@given(beginning=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3))
def test_nothing_that_begins_otherwise_lies_before_what_comes_after_a_beginning(beginning: str) -> None:
    end = after_beginning(beginning)

    assert end is None or not end.startswith(beginning)


@settings(deadline=None)
@given(texts=st.lists(st.text(), max_size=3))
def test_any_text_gives_words_that_a_database_can_keep(texts: list[str]) -> None:
    words = searchable_words(texts)

    assert all(word and "\x00" not in word and len(word.encode()) <= 256 for word in words)
