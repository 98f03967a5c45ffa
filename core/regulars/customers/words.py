"""Find the words by which a customer can be searched: lower case, without accents, in any script."""

import re
import unicodedata
from collections.abc import Iterable

from regulars.errors import InvalidInput

__all__ = ["after_beginning", "searchable_words", "words_to_find"]

LONGEST_WORD = 64
MOST_WORDS = 10

# Letters that Unicode does not take apart into a plain letter and a mark.
PLAIN_LETTERS = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ħ": "h",
        "ı": "i",
        "'": "",
        "’": "",
        "ʼ": "",
    }
)
# Marks up to this class belong to the letter itself (nukta, kana voicing, virama); above it they are accents.
LAST_CLASS_OF_LETTERS = 9

EDGES = '"()[]{}<>,;:!?'
PHONE_NUMBER = re.compile(r"\+?[\d\s().\-/]{5,}")


def searchable_words(texts: Iterable[str]) -> frozenset[str]:
    """Return every word by which somebody with these names and normalised identities can be found.

    A word with punctuation inside, such as an address, counts as a whole and in its parts.
    """
    words = (word.strip(EDGES) for text in texts for word in _folded(text).split())
    return frozenset(part[:LONGEST_WORD] for word in words for part in _ways_to_begin(word))


def words_to_find(text: str) -> tuple[str, ...]:
    """Return the beginnings of words that somebody looks for, each once.

    A telephone number counts as one word, however it is grouped. Raises ``InvalidInput`` for more than ten words.
    """
    folded = _folded(text)
    if PHONE_NUMBER.fullmatch(folded.strip()):
        folded = re.sub(r"[\s().\-/]", "", folded)
    stripped = (word.strip(EDGES)[:LONGEST_WORD] for word in folded.split())
    words = tuple(dict.fromkeys(word for word in stripped if word))
    if len(words) > MOST_WORDS:
        raise InvalidInput(f"A search takes up to {MOST_WORDS} words, not {len(words)}.", path=("search",))
    return words


def after_beginning(beginning: str) -> str | None:
    """Return the first text, in the order of code points, that is greater than all that begin so; None if none is."""
    for end in range(len(beginning), 0, -1):
        following = ord(beginning[end - 1]) + 1
        if following == 0xD800:  # surrogates are no letters and cannot be stored
            following = 0xE000
        if following <= 0x10FFFF:
            return beginning[: end - 1] + chr(following)
    return None


def _ways_to_begin(word: str) -> list[str]:
    named, _, domain = word.rpartition("@")
    parts = _parts(named) if named else _parts(word)
    return [way for way in (word, word.lstrip("+@"), domain, *parts) if _parts(way)]


def _parts(word: str) -> list[str]:
    # A vowel sign is a mark, no letter, and belongs to its word all the same.
    spaced = (letter if letter.isalnum() or unicodedata.category(letter)[0] == "M" else " " for letter in word)
    return "".join(spaced).split()


def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold().translate(PLAIN_LETTERS))
    bare = "".join(letter for letter in apart if unicodedata.combining(letter) <= LAST_CLASS_OF_LETTERS)
    storable = "".join(
        letter for letter in bare if unicodedata.category(letter) not in {"Cc", "Cs"} or letter.isspace()
    )
    return unicodedata.normalize("NFC", storable.casefold())
