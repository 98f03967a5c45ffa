"""The customers' door: what a plugin's pages and mails need to let customers in, without the server's secret."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.customers.identities import Identity
from regulars.selfservice import double_opt_in, service
from regulars.selfservice.double_opt_in import WaitingGrant
from regulars.selfservice.down_tokens import DownToken, read_down_token, write_down_token
from regulars.selfservice.service import OpenedSession

__all__ = ["CustomerDoor"]


@dataclass(frozen=True)
class CustomerDoor:
    """Gives out and reads the two kinds of links of customers, and keeps the sessions that one of them opens.

    A *down token* stands in messages, never expires and can only lower what is sent. A *magic link* opens a session
    for half an hour, which is needed to allow, to see, to copy and to erase.
    """

    _secret: str = field(repr=False)

    def down_token(self, token: DownToken) -> str:
        """Return the token as it stands in a link."""
        return write_down_token(token, secret=self._secret)

    def read_down_token(self, text: str) -> DownToken:
        """Return what the token in a link says; raises ``LinkUnknown`` when it was forged, altered or cut."""
        return read_down_token(text, secret=self._secret)

    async def make_magic_link(
        self, session: AsyncSession, *, customer_id: UUID, address: Identity, now: datetime
    ) -> str:
        """Return the token of a new link to this address; every earlier link of the customer is void.

        Raises ``NotFound``, ``AddressUnknown`` and ``TooManyLinks``.
        """
        return await service.make_magic_link(
            session, customer_id=customer_id, address=address, secret=self._secret, now=now
        )

    async def open_session(self, session: AsyncSession, *, link: str, now: datetime) -> tuple[str, OpenedSession]:
        """Spend a magic link and return the token of the session that it opens; raises ``LinkUnknown``."""
        return await service.open_session(session, token=link, secret=self._secret, now=now)

    async def session_of(self, session: AsyncSession, *, token: str, now: datetime) -> OpenedSession | None:
        """Return the session with this token; None when there is none, or when it has ended."""
        return await service.find_session(session, token=token, secret=self._secret, now=now)

    async def end_session(self, session: AsyncSession, *, token: str, now: datetime) -> None:
        """End the session with this token."""
        await service.end_session(session, token=token, secret=self._secret, now=now)

    def address_proof(self, address: Identity, *, purpose: str, now: datetime) -> str:
        """Return what a link to an address of anybody carries, a customer or not; it holds for an hour."""
        from regulars.selfservice.address_proofs import write_address_proof  # ciphers are for these two alone

        return write_address_proof(address, purpose=purpose, secret=self._secret, now=now)

    def read_address_proof(self, text: str, *, purpose: str, now: datetime) -> Identity:
        """Return the address whose mail was read; raises ``LinkUnknown``."""
        from regulars.selfservice.address_proofs import read_address_proof

        return read_address_proof(text, purpose=purpose, secret=self._secret, now=now)

    def confirmation_link(self, *, event_id: UUID, address: Identity, now: datetime) -> str:
        """Return the token of a link by which a grant that waits is confirmed; it holds for seven days."""
        return double_opt_in.confirmation_link(event_id=event_id, address=address, secret=self._secret, now=now)

    async def grant_behind_link(self, session: AsyncSession, *, link: str, now: datetime) -> WaitingGrant:
        """Return the grant that a link confirms, changing nothing; raises ``LinkUnknown``."""
        return await double_opt_in.grant_behind_link(session, link=link, secret=self._secret, now=now)

    async def confirm_by_link(self, session: AsyncSession, *, link: str, now: datetime) -> WaitingGrant:
        """Confirm the grant behind a link, now that somebody pressed its button; raises ``LinkUnknown``."""
        return await double_opt_in.confirm_by_link(session, link=link, secret=self._secret, now=now)

    def form_token(self, token: str) -> str:
        """Return what a form of this session carries, so that no other page can send it."""
        return hmac.digest(self._secret.encode(), b"regulars form\0" + token.encode(), "sha256").hex()[:32]

    def is_form_token(self, token: str, given: str) -> bool:
        """Tell whether a form that was sent is one of this session."""
        return hmac.compare_digest(self.form_token(token).encode(), given.encode())
