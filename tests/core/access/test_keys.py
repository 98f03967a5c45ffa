import re
from collections.abc import Callable

import pytest

from regulars.access.keys import hash_key, hint_of, is_well_formed, new_key


def test_a_key_is_the_prefix_37_random_characters_and_a_checksum() -> None:
    key = new_key()

    assert re.fullmatch(r"rgl_[0-9A-Za-z]{37}[0-9A-Za-z]{6}", key)
    assert is_well_formed(key)


def test_two_keys_differ() -> None:
    assert new_key() != new_key()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda key: key[:-1], id="cut off"),
        pytest.param(lambda key: key + "0", id="too long"),
        pytest.param(lambda key: key.replace("rgl_", "rgx_"), id="another prefix"),
        pytest.param(lambda key: key[:10] + ("b" if key[10] == "a" else "a") + key[11:], id="one letter mistyped"),
        pytest.param(lambda key: key[:10] + "é" + key[11:], id="a letter that no key has"),
        pytest.param(lambda key: "", id="nothing"),
    ],
)
def test_what_is_no_key_is_told_apart_without_a_database(change: Callable[[str], str]) -> None:
    assert not is_well_formed(change(new_key()))


def test_the_hash_depends_on_the_secret_of_the_server() -> None:
    key = new_key()

    assert hash_key(key, secret="one") != hash_key(key, secret="two")
    assert key not in hash_key(key, secret="one")


def test_the_hint_shows_four_characters_of_the_key() -> None:
    key = new_key()

    assert hint_of(key) == f"{key[:8]}…"
