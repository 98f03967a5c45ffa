"""Let staff in by a token of the company's identity provider."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from regulars.access.actors import Actor
from regulars.access.models import StaffMember
from regulars.access.permissions import permissions_of_role
from regulars.access.remembering import Recent
from regulars.clock import Clock
from regulars.database import Database
from regulars.plugins.manifest import Permission
from regulars.signin.issuer import Issuer
from regulars.signin.people import find_or_take_up, find_staff_member, name_in, stands_as_told
from regulars.signin.refusals import TokenRefused
from regulars.signin.roles import RoleRules
from regulars.signin.tokens import VerifiedToken, key_id_of, verify_token

__all__ = ["StaffTokens"]

SCHEME = "bearer"
PARTS = 3


class StaffTokens:
    """Finds the staff member of a token, and takes up whoever comes for the first time.

    The issuer's word about role and name counts at every token. A token that was seen is remembered for a few seconds,
    as keys are, so that a busy page does not ask the database each time.
    """

    def __init__(self, database: Database, *, issuer: Issuer, audience: str, rules: RoleRules, clock: Clock) -> None:
        self.issuer, self.rules = issuer, rules
        self._database, self._audience, self._clock = database, audience, clock
        self._recent = Recent[Actor]()

    @staticmethod
    def token_in(authorization: str | None) -> str | None:
        """Return the token of an Authorization header that holds one; None for our own keys and everything else."""
        scheme, _, token = (authorization or "").strip().partition(" ")
        is_token = scheme.lower() == SCHEME and len(token.strip().split(".")) == PARTS
        return token.strip() if is_token else None

    async def actor(self, token: str, *, permissions: Sequence[Permission]) -> Actor:
        """Return who sends this token.

        Raises ``TokenRefused``, also where the server was given no audience, ``RoleMissing``, ``StaffMemberLetGo`` and
        ``IssuerSilent``.
        """
        if not self._audience:
            raise TokenRefused("this server takes keys in its API, and no tokens.")
        now, known_as = self._clock.now(), sha256(token.encode()).hexdigest()
        remembered = self._recent.get(known_as, now=now, permissions=permissions)
        if remembered is not None:
            return remembered
        verified = await self.verified(token, audience=self._audience, now=now)
        person = await self.staff_member(verified, now=now)
        actor = Actor("staff", person.id, person.name, permissions_of_role(person.role, permissions))
        self._recent.remember(known_as, actor, now=now, expires_at=verified.expires_at, permissions=permissions)
        return actor

    async def verified(self, token: str, *, audience: str, now: datetime) -> VerifiedToken:
        """Return what a token of the issuer says; raises ``TokenRefused`` and ``IssuerSilent``."""
        key = await self.issuer.key(key_id_of(token))
        return verify_token(token, key, issuer=self.issuer.url, audience=audience, now=now)

    async def staff_member(self, verified: VerifiedToken, *, now: datetime) -> StaffMember:
        """Return the staff member of a verified token, taken up now if nobody knew them."""
        role, name = self.rules.role_of(verified.claims), name_in(verified.claims)
        known: Mapping[str, Any] = {"issuer": self.issuer.url, "subject": verified.subject}
        async with self._database.reading() as session:
            found = await find_staff_member(session, **known)
        if found is not None and stands_as_told(found, name=name, role=role):
            return found
        async with self._database.writing() as session:
            return await find_or_take_up(session, **known, name=name, role=role, now=now)
