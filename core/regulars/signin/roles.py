"""Give people a role by what the identity provider says of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from regulars.access.permissions import ROLES
from regulars.signin.refusals import RoleMissing, SignInMisconfigured

__all__ = ["RoleRules", "role_rules"]

EMAIL = "email"


@dataclass(frozen=True)
class RoleRules:
    """Which value of which claim gives which role; the first rule that fits counts."""

    claim: str
    rules: Sequence[tuple[str, str]]

    def role_of(self, claims: Mapping[str, Any]) -> str:
        """Return the role that the claims give; raises ``RoleMissing``.

        A claim is a text or a list of texts, found by its whole name, else by its path with dots. An e-mail address
        counts only when the issuer says that it was verified.
        """
        values = _texts(_value_of(claims, self.claim))
        if self.claim == EMAIL and claims.get("email_verified") is not True:
            values = frozenset()
        for value, role in self.rules:
            if value in values:
                return role
        raise RoleMissing(self.claim, (value for value, _ in self.rules))


def role_rules(claim: str, words: Iterable[str]) -> RoleRules:
    """Return the rules as settings write them, ``value=role``; raises ``SignInMisconfigured``."""
    rules = []
    for word in words:
        value, equals, role = word.rpartition("=")
        if not equals or not value.strip() or role.strip() not in ROLES:
            raise SignInMisconfigured(
                f"REGULARS_OIDC_ROLES names {word!r}. Write VALUE=ROLE, where the role is one of {', '.join(ROLES)}."
            )
        rules.append((value.strip(), role.strip()))
    return RoleRules(claim, tuple(rules))


def _value_of(claims: Mapping[str, Any], name: str) -> Any:
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def _texts(value: Any) -> frozenset[str]:
    given = value if isinstance(value, list) else [value]
    return frozenset(text for text in given if isinstance(text, str))
