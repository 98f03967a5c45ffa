from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from regulars.customers.identities import KINDS, Identity, Placeholder, read_identity
from regulars.errors import ExpectedError, InvalidInput, UnknownValue


@pytest.mark.parametrize(
    ("given", "compared"),
    [
        ("anna@example.org", "anna@example.org"),
        ("  Anna.Schmidt@Example.ORG ", "anna.schmidt@example.org"),
        ("jo\u0308rg@example.org", "jörg@example.org"),
        ("JÖRG@example.org", "jörg@example.org"),
        ("info@MÜLLER.example", "info@xn--mller-kva.example"),
        ("info@straße.example", "info@xn--strae-oqa.example"),
        ("anna\u200b@example.org", "anna@example.org"),
        ("o'brien+shop@example.co.uk", "o'brien+shop@example.co.uk"),
        ("guest@hotel.example", "guest@hotel.example"),
    ],
)
def test_an_email_address_is_compared_without_case_and_with_its_domain_in_ascii(given: str, compared: str) -> None:
    identity = read_identity("email", given)

    assert identity.normalised == compared


def test_a_name_keeps_the_form_in_which_it_was_given() -> None:
    identity = read_identity("email", " Anna@Müller.example ")

    assert identity.value == "Anna@Müller.example"


@pytest.mark.parametrize(
    "given",
    [
        "anna",
        "anna@localhost",
        "anna@10.0.0.1",
        "anna@example..org",
        "anna@example.org.",
        "an na@example.org",
        "Anna <anna@example.org>",
        "a@b@example.org",
        f"{'a' * 65}@example.org",
        f"a@{'b' * 64}.org",
        f"a@{'.'.join(['b' * 50] * 4)}.{'c' * 60}",
    ],
)
def test_what_is_no_email_address_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput):
        read_identity("email", given)


@pytest.mark.parametrize(
    ("given", "compared"),
    [
        ("+49 30 123456", "+4930123456"),
        ("+49 (0)30 / 123-456", "+4930123456"),
        ("0049.30.123456", "+4930123456"),
        ("\u202a+1 (212) 555‑0100\u202c", "+12125550100"),
        ("+٤٩ ٣٠ ١٢٣٤٥٦", "+4930123456"),
        ("＋49 30 123456", "+4930123456"),
    ],
)
def test_a_phone_number_is_compared_as_e164(given: str, compared: str) -> None:
    identity = read_identity("phone", given)

    assert identity.normalised == compared


@pytest.mark.parametrize(
    "given", ["030 123456", "+49", "+0301234567", "+49 30 12345 ext. 6", "+1234567890123456", "call"]
)
def test_a_phone_number_without_country_code_or_of_another_form_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput, match="country code"):
        read_identity("phone", given)


def test_an_external_id_is_compared_exactly_within_its_source() -> None:
    identity = read_identity("external", " C-0042x ", source="Shopify")

    assert identity == Identity(kind="external", value="C-0042x", normalised="C-0042x", source="shopify")


def test_a_social_account_is_compared_without_at_sign_and_case() -> None:
    identity = read_identity("social", "@Anna@Social.example", source="mastodon")

    assert (identity.normalised, identity.source) == ("anna@social.example", "mastodon")


@pytest.mark.parametrize("kind", ["external", "social"])
@pytest.mark.parametrize("source", ["", "  ", "my shop", "null", "ü"])
def test_an_external_id_or_account_without_a_proper_source_is_refused(kind: str, source: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_identity(kind, "anna", source=source)

    assert refusal.value.path == ("source",)


def test_an_email_address_with_a_source_is_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_identity("email", "anna@example.org", source="shop")

    assert refusal.value.path == ("source",)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "-",
        "-1",
        "0",
        "000",
        "00000000-0000-0000-0000-000000000000",
        "(not set)",
        "[object Object]",
        "Anonymous",
        "guest",
        "n/a",
        "NaN",
        "None",
        "null",
        "NULL",
        "undefined",
        "unknown",
    ],
)
@pytest.mark.parametrize(
    ("kind", "source"), [("email", ""), ("phone", ""), ("external", "shop"), ("social", "bluesky")]
)
def test_a_placeholder_for_a_missing_value_is_refused(kind: str, source: str, value: str) -> None:
    with pytest.raises(Placeholder, match="Leave the identity out"):
        read_identity(kind, value, source=source)


@pytest.mark.parametrize("value", ["null@null.com", "undefined@undefined.example", "guest@guest.org"])
def test_an_email_address_made_of_placeholders_is_refused(value: str) -> None:
    with pytest.raises(Placeholder):
        read_identity("email", value)


def test_another_kind_is_refused_with_the_kind_that_was_probably_meant() -> None:
    with pytest.raises(UnknownValue, match="Did you mean 'email'"):
        read_identity("e-mail", "anna@example.org")


@pytest.mark.parametrize("value", ["a\x00b", "a\nb", "a\ud800b"])
def test_a_name_that_no_database_could_keep_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match="control characters"):
        read_identity("external", value, source="shop")


def test_a_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at most 255"):
        read_identity("external", "x" * 256, source="shop")


@settings(deadline=None)
@given(kind=st.sampled_from(KINDS), value=st.text(max_size=80), source=st.sampled_from(["", "shop"]))
@example(kind="email", value="a@xn--a.example", source="")
@example(kind="email", value="a@\u2488com.example", source="")
def test_any_text_is_either_read_or_refused_with_an_expected_error(kind: str, value: str, source: str) -> None:
    with suppress(ExpectedError):
        identity = read_identity(kind, value, source)

        assert read_identity(kind, identity.normalised, identity.source).normalised == identity.normalised
