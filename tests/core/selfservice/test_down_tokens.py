from uuid import UUID

import pytest

from regulars.selfservice.down_tokens import DownToken, read_down_token, write_down_token
from regulars.selfservice.refusals import LinkUnknown

SECRET = "a secret of the tests"
TOKEN = DownToken(UUID("01900000-0000-7000-8000-000000000001"), "marketing.own", "email", "books.été")


def test_a_token_says_what_was_written_into_it() -> None:
    text = write_down_token(TOKEN, secret=SECRET)

    assert read_down_token(text, secret=SECRET) == TOKEN


def test_a_token_fits_into_a_header_line_and_needs_no_quoting() -> None:
    text = write_down_token(TOKEN, secret=SECRET)

    assert len(text) < 120
    assert text.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("place", [0, 20, 40, 60, -1])
def test_a_token_with_another_letter_opens_nothing(place: int) -> None:
    text = write_down_token(TOKEN, secret=SECRET)
    letters = list(text)
    letters[place] = "A" if letters[place] != "A" else "B"

    with pytest.raises(LinkUnknown):
        read_down_token("".join(letters), secret=SECRET)


@pytest.mark.parametrize("text", ["", "A", "é", "AAAA", "A" * 601, "=" * 40, " ", "\0"])
def test_what_never_was_a_token_opens_nothing(text: str) -> None:
    with pytest.raises(LinkUnknown):
        read_down_token(text, secret=SECRET)


def test_another_secret_makes_another_token() -> None:
    text = write_down_token(TOKEN, secret="the secret of somebody else")

    with pytest.raises(LinkUnknown):
        read_down_token(text, secret=SECRET)


def test_a_cut_token_opens_nothing() -> None:
    text = write_down_token(TOKEN, secret=SECRET)

    with pytest.raises(LinkUnknown):
        read_down_token(text[:-2], secret=SECRET)
