"""The box into which a plugin drops what it wants sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.clock import Clock
from regulars.consents.registry import ConsentRegistry
from regulars.messages.many import enqueue_messages
from regulars.messages.service import enqueue_message
from regulars.messages.templates import MessageDraft, MessageTemplate

__all__ = ["MessageBox", "TakenMessage"]


@dataclass(frozen=True)
class TakenMessage:
    """A message that was taken: its id, and where it stands."""

    id: UUID
    state: str
    created_at: datetime


@dataclass(frozen=True)
class MessageBox:
    """Takes the messages of one plugin, in the transaction of the call."""

    _session: AsyncSession
    _source: str
    _templates: Mapping[str, MessageTemplate]
    _registry: ConsentRegistry
    _clock: Clock
    _actor: str

    async def enqueue(self, draft: MessageDraft) -> TakenMessage:
        """Take a message to be sent once the transaction is committed and the contact decision allows it.

        The same draft under the same key is the same message. Only the plugin's own templates can be named. Raises
        ``UnknownValue``, ``MessageKeyTaken``, ``CustomerNeeded``, ``NotFound`` and ``OutOfRange``.
        """
        message = await enqueue_message(
            self._session,
            draft=draft,
            source=self._source,
            templates=self._templates,
            registry=self._registry,
            actor=self._actor,
            now=self._clock.now(),
        )
        return TakenMessage(message.id, message.state, message.created_at)

    async def enqueue_all(self, drafts: Sequence[MessageDraft]) -> int:
        """Take those of many messages whose keys were not used yet, in a few statements; return how many these are.

        Give up to a thousand, all to customers; whoever is unknown or deleted by now is left out. Raises what
        ``enqueue`` raises for a draft that cannot be taken; then none is taken.
        """
        return await enqueue_messages(
            self._session,
            drafts=drafts,
            source=self._source,
            templates=self._templates,
            registry=self._registry,
            actor=self._actor,
            now=self._clock.now(),
        )
