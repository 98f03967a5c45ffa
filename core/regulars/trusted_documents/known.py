"""Know the trusted documents in one process, without asking the database for each request."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.clock import Clock
from regulars.database import Database
from regulars.errors import ExpectedError
from regulars.trusted_documents.hashes import DocumentIdRefused, document_hash
from regulars.trusted_documents.models import TrustedDocument

__all__ = ["DOCUMENTS_MANAGE", "DocumentNotTrusted", "DocumentUnknown", "KnownDocuments"]

DOCUMENTS_MANAGE = "documents:manage"
LIFETIME = timedelta(seconds=5)
CAPACITY = 1_000


class DocumentUnknown(ExpectedError):
    """A document was asked for by an id that nobody registered."""

    code = "PERSISTED_QUERY_NOT_FOUND"

    def __init__(self, sha256: str) -> None:
        self.sha256 = sha256
        super().__init__(
            f"No document is registered as sha256:{sha256}. Register it (`regulars graphql documents register`), or"
            " send its text, unless this server runs registered documents only."
        )


class DocumentNotTrusted(ExpectedError):
    """A document was sent that is not registered, where only registered ones may run."""

    code = "DOCUMENT_NOT_TRUSTED"

    def __init__(self, sha256: str) -> None:
        self.sha256 = sha256
        super().__init__(
            f"This server runs registered documents only, and sha256:{sha256} is none."
            " Register it (`regulars graphql documents register`)."
        )


@dataclass(frozen=True)
class _Known:
    text: str
    at: datetime


class KnownDocuments:
    """What was registered, remembered for five seconds; ``only`` tells whether anything else may run."""

    def __init__(self, database: Database, clock: Clock, *, only: bool) -> None:
        self._database, self._clock, self._only = database, clock, only
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def text(self, sha256: str, given: str | None = None) -> str:
        """Return the text of a document, which is the one that was ``given`` if there was one.

        Raises ``DocumentUnknown``, and ``DocumentIdRefused`` for a text that has another hash.
        """
        if given is not None:
            if document_hash(given) != sha256:
                raise DocumentIdRefused("The id of the document is not the SHA-256 of the `query` beside it.")
            return given
        text = await self._read(sha256)
        if text is None:
            raise DocumentUnknown(sha256)
        return text

    async def check(self, text: str, actor: Actor) -> None:
        """Raise ``DocumentNotTrusted`` for a document that may not run here.

        Whoever may register documents may run others, too.
        """
        if not self._only or actor.may(DOCUMENTS_MANAGE):
            return
        sha256 = document_hash(text)
        if await self._read(sha256) is None:
            raise DocumentNotTrusted(sha256)

    async def _read(self, sha256: str) -> str | None:
        now, known = self._clock.now(), self._known.get(sha256)
        if known is not None and known.at <= now < known.at + LIFETIME:
            return known.text
        async with self._database.reading() as session:
            query = select(col(TrustedDocument.text)).where(col(TrustedDocument.sha256) == sha256)
            text = (await session.scalars(query)).one_or_none()
        if text is None:
            self._known.pop(sha256, None)
            return None
        self._known[sha256] = _Known(text, now)
        self._known.move_to_end(sha256)
        if len(self._known) > CAPACITY:
            self._known.popitem(last=False)
        return text
