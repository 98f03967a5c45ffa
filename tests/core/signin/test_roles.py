from typing import Any

import pytest

from regulars.signin.refusals import RoleMissing, SignInMisconfigured
from regulars.signin.roles import role_rules

RULES = ("crm-admins=admin", "sales=frontline", "sales=analyst")


@pytest.mark.parametrize(
    ("claim", "claims", "role"),
    [
        ("groups", {"groups": ["sales"]}, "frontline"),
        ("groups", {"groups": ["sales", "crm-admins"]}, "admin"),
        ("groups", {"groups": "sales"}, "frontline"),
        ("realm_access.roles", {"realm_access": {"roles": ["sales"]}}, "frontline"),
        ("https://shop.test/roles", {"https://shop.test/roles": ["sales"]}, "frontline"),
    ],
)
def test_the_first_rule_that_fits_gives_the_role(claim: str, claims: dict[str, Any], role: str) -> None:
    assert role_rules(claim, RULES).role_of(claims) == role


@pytest.mark.parametrize(
    ("claims", "is_let_in"),
    [
        ({"email": "ada@shop.test", "email_verified": True}, True),
        ({"email": "ada@shop.test", "email_verified": "true"}, False),
        ({"email": "ada@shop.test", "email_verified": False}, False),
        ({"email": "ada@shop.test"}, False),
    ],
)
def test_an_address_counts_only_once_it_is_verified(claims: dict[str, Any], is_let_in: bool) -> None:
    rules = role_rules("email", ["ada@shop.test=admin"])

    try:
        role = rules.role_of(claims)
    except RoleMissing:
        role = ""

    assert (role == "admin") is is_let_in


@pytest.mark.parametrize("word", ["crm-admins", "=admin", "crm-admins=", "crm-admins=owner"])
def test_a_rule_that_cannot_be_read_is_refused_with_an_example(word: str) -> None:
    with pytest.raises(SignInMisconfigured, match="VALUE=ROLE"):
        role_rules("groups", [word])


def test_a_value_may_hold_an_equals_sign() -> None:
    assert role_rules("groups", ["cn=crm=admin"]).role_of({"groups": ["cn=crm"]}) == "admin"
