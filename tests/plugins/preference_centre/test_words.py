import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import pytest

from regulars_preference_centre.page.words import DIRECTIONS, LANGUAGE_NAMES, plural_form, words_of

WRITTEN = sorted(
    path.name.removesuffix(".toml")
    for path in files("regulars_preference_centre.page.words").iterdir()
    if path.name.endswith(".toml")
)
ARABIC_FORMS = {"zero", "one", "two", "few", "many", "other"}
BLANK = re.compile(r"\{(\w+)\}")


def content(section: str) -> Mapping[str, Any]:
    text = files("regulars_preference_centre.page.words").joinpath(f"{section}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def blanks(text: str | Mapping[str, str]) -> set[str]:
    return set(BLANK.findall(text if isinstance(text, str) else text["other"]))


@pytest.mark.parametrize("section", WRITTEN)
def test_every_language_has_every_text_with_the_same_blanks(section: str) -> None:
    texts = content(section)

    assert set(texts) == set(LANGUAGE_NAMES) == set(DIRECTIONS)
    filled = {language: {key: blanks(text) for key, text in own.items()} for language, own in texts.items()}
    assert filled["de"] == filled["en"]
    assert filled["ar"] == filled["en"]


@pytest.mark.parametrize("section", WRITTEN)
def test_every_count_has_all_the_forms_of_its_language(section: str) -> None:
    forms = {
        language: [set(text) for text in own.values() if isinstance(text, Mapping)]
        for language, own in content(section).items()
    }

    assert all(found == {"one", "other"} for found in (*forms["en"], *forms["de"]))
    assert all(found == ARABIC_FORMS for found in forms["ar"])


@pytest.mark.parametrize(
    ("number", "form"),
    [
        *((0, "zero"), (1, "one"), (2, "two"), (3, "few"), (10, "few"), (11, "many"), (99, "many"), (100, "other")),
        *((102, "other"), (103, "few"), (111, "many")),
    ],
)
def test_numbers_in_arabic_take_the_form_of_the_common_locale_data(number: int, form: str) -> None:
    assert plural_form(number, "ar") == form


def test_what_is_filled_into_html_is_escaped() -> None:
    assert words_of("who", "en").html("owner", address="<b>") == "This page belongs to &lt;b&gt;."


def test_a_text_that_is_missing_is_named() -> None:
    with pytest.raises(KeyError, match=r"who\.nothing"):
        words_of("who", "en")("nothing")
