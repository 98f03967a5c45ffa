import pytest

from regulars import MessageToWrite, new_id
from regulars_preference_centre.mail_words import MAILS
from regulars_preference_centre.mails import written


def to_write(language: str, stop_link: str | None = "https://shop.example.com/stop/abc") -> MessageToWrite:
    return MessageToWrite(
        id=new_id(),
        customer_id=new_id(),
        channel="email",
        address="anna@example.org",
        language=language,
        topic="wish.1",
        payload={},
        stop_link=stop_link,
    )


GIVEN = {
    "shop": "Wine & Co",
    "link": "https://shop.example.com/x",
    "item": "<2021> red",
    "wish": "the red",
    "what": "news",
}


@pytest.mark.parametrize("language", ["en", "de", "ar"])
@pytest.mark.parametrize("kind", list(MAILS))
def test_a_mail_says_the_same_in_text_and_html_in_each_language(kind: str, language: str) -> None:
    mail = written(kind, to_write(language), **GIVEN)

    assert mail.html is not None
    assert f'lang="{language}"' in mail.html
    assert ('dir="rtl"' in mail.html) == (language == "ar")
    assert "Wine & Co" in mail.text
    assert "Wine &amp; Co" in mail.html
    assert "https://shop.example.com/x" in mail.text
    assert MAILS[kind][language].button in mail.html
    assert "{" not in mail.text


def test_what_an_item_is_called_cannot_break_the_html() -> None:
    mail = written("alert", to_write("en"), **GIVEN)

    assert mail.html is not None
    assert "&lt;2021&gt; red" in mail.html
    assert "<2021>" in mail.text


def test_a_language_that_nobody_wrote_for_is_english() -> None:
    mail = written("link", to_write("fr-CA"), **GIVEN)

    assert mail.subject == "Your link to your choices with Wine & Co"
    assert mail.html is not None
    assert 'lang="en"' in mail.html


def test_an_alert_tells_how_to_stop_it() -> None:
    assert "https://shop.example.com/stop/abc" in written("alert", to_write("en"), **GIVEN).text
    assert "any more" not in written("alert", to_write("en", stop_link=None), **GIVEN).text
