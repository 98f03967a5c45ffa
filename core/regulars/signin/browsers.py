"""Know who is signed in in a browser, and sign people in and out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from regulars.access.actors import Actor
from regulars.access.authentication import authenticate
from regulars.access.models import StaffMember
from regulars.access.permissions import permissions_of_role
from regulars.access.refusals import MalformedKey, WrongScheme
from regulars.clock import Clock
from regulars.database import Database
from regulars.plugins.manifest import Permission
from regulars.signin.refusals import StaffPagesOnly
from regulars.signin.sessions import end_session, find_session, form_token, note_visit, open_session

__all__ = ["BrowserSession", "BrowserSessions"]

LONGEST_TOKEN = 100


@dataclass(frozen=True)
class BrowserSession:
    """Who is signed in in a browser, and what the browser's forms must carry."""

    actor: Actor
    form_token: str = field(repr=False)


class BrowserSessions:
    """The sessions of staff in browsers; ``permissions`` returns all that the core and the plugins define now."""

    def __init__(
        self,
        database: Database,
        *,
        secret: str,
        clock: Clock,
        idle: timedelta,
        lifetime: timedelta,
        permissions: Callable[[], Sequence[Permission]],
    ) -> None:
        self.lifetime = lifetime
        self._database, self._secret, self._clock = database, secret, clock
        self._idle, self._permissions = idle, permissions

    async def find(self, token: str | None) -> BrowserSession | None:
        """Return who is signed in with the token of this browser; None when nobody is, or no longer."""
        if not token or len(token) > LONGEST_TOKEN:
            return None
        now = self._clock.now()
        async with self._database.reading() as session:
            found = await find_session(
                session,
                token=token,
                secret=self._secret,
                idle=self._idle,
                permissions=self._permissions(),
                now=now,
            )
        if found is None:
            return None
        if found.is_visit_due:
            async with self._database.writing() as session:
                await note_visit(session, session_id=found.session_id, now=now)
        return BrowserSession(found.actor, self.form_token(token))

    async def open_with_key(self, key: str, *, instead_of: str | None) -> str:
        """Sign in whoever has this key and return the browser's new token; the old one ends.

        Raises an ``Unauthenticated`` that says what is wrong with the key.
        """
        now = self._clock.now()
        async with self._database.writing() as session:
            try:
                actor = await authenticate(
                    session,
                    authorization=f"Bearer {key}",
                    now=now,
                    permissions=self._permissions(),
                    secret=self._secret,
                )
            except WrongScheme as error:  # whoever types a key knows of no header
                raise MalformedKey from error
            if actor.key_id is None:
                raise MalformedKey
            if actor.kind not in {"staff", "service"}:
                raise StaffPagesOnly
            if instead_of:
                await end_session(session, token=instead_of, secret=self._secret, actor=actor, now=now)
            opened = await open_session(
                session,
                owner="key",
                owner_id=actor.key_id,
                actor=actor,
                secret=self._secret,
                lifetime=self.lifetime,
                now=now,
            )
        return opened.token

    async def open_for(self, person: StaffMember, *, instead_of: str | None) -> str:
        """Sign a staff member in and return the browser's new token; the old one ends."""
        now = self._clock.now()
        actor = Actor("staff", person.id, person.name, permissions_of_role(person.role, self._permissions()))
        async with self._database.writing() as session:
            if instead_of:
                await end_session(session, token=instead_of, secret=self._secret, actor=actor, now=now)
            opened = await open_session(
                session,
                owner="staff",
                owner_id=person.id,
                actor=actor,
                secret=self._secret,
                lifetime=self.lifetime,
                now=now,
            )
        return opened.token

    async def end(self, token: str, *, actor: Actor) -> None:
        """Sign the browser out."""
        async with self._database.writing() as session:
            await end_session(session, token=token, secret=self._secret, actor=actor, now=self._clock.now())

    def form_token(self, token: str) -> str:
        """Return what the forms of a browser with this token must carry."""
        return form_token(token, secret=self._secret)
