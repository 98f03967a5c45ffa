"""The words of the page in each language, one file to a section, and how languages count."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup

__all__ = ["DIRECTIONS", "LANGUAGE_NAMES", "Words", "apart", "plural_form", "words_of"]

LANGUAGE_NAMES = {"en": "English", "de": "Deutsch", "ar": "العربية"}
DIRECTIONS = {"en": "ltr", "de": "ltr", "ar": "rtl"}
USUAL = "en"
ISOLATE, END_OF_ISOLATE = "\u2068", "\u2069"


class Words:
    """The words of one section in one language; ``{name}`` in them is filled in."""

    def __init__(self, texts: Mapping[str, Any], language: str, section: str) -> None:
        self._texts, self.language, self.section = texts, language, section

    def __call__(self, key: str, /, **filled: object) -> str:
        """Return the text; raises ``KeyError`` naming section and key where there is none."""
        text = self._text(key)
        return text.format(**filled) if filled else text

    def __contains__(self, key: object) -> bool:
        """Tell whether there is such a text."""
        return key in self._texts

    def html(self, key: str, /, **filled: object) -> Markup:
        """Return the text as HTML: what is filled in is escaped unless it is HTML itself."""
        return Markup(self._text(key)).format(**filled)  # noqa: S704 - the words are the plugin's own

    def count(self, key: str, number: int, /, **filled: object) -> str:
        """Return the text for this many, which stands in it as ``{n}``."""
        forms = self._texts.get(key)
        if not isinstance(forms, Mapping):
            raise KeyError(f"{self.section}.{key} has no forms for numbers")
        text: str = forms.get(plural_form(number, self.language), forms["other"])
        return text.format(n=number, **filled)

    def _text(self, key: str) -> str:
        text = self._texts.get(key)
        if not isinstance(text, str):
            raise KeyError(f"{self.section}.{key} ({self.language})")
        return text


@cache
def words_of(section: str, language: str) -> Words:
    """Return the words of a section; English ones for a language that nobody wrote."""
    content = tomllib.loads(files(__name__).joinpath(f"{section}.toml").read_text(encoding="utf-8"))
    spoken = language if language in content else USUAL
    return Words(content[spoken], spoken, section)


def apart(text: str, language: str) -> str:
    """Return a text of anybody set apart from words that run from right to left, so that neither turns the other."""
    return f"{ISOLATE}{text}{END_OF_ISOLATE}" if DIRECTIONS.get(language) == "rtl" else text


def plural_form(number: int, language: str) -> str:
    """Return which form of a word goes with a number: ``one``, ``other``, and in Arabic four more.

    Source: Unicode CLDR, Language Plural Rules, cardinal numbers.
    """
    if language != "ar":
        return "one" if number == 1 else "other"
    if number <= 2:
        return ("zero", "one", "two")[number]
    hundredth = number % 100
    return "few" if 3 <= hundredth <= 10 else "many" if hundredth >= 11 else "other"
