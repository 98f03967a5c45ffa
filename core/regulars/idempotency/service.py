"""Keep the answer of a request together with its effect, and find it when the request is repeated.

Whoever takes requests does, in one transaction: ``claim_key``, the effect, ``keep_answer``. A crash before the commit
leaves neither, so the repeated request has its effect then; after it, the repeated request finds the answer.
"""

import hashlib
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.idempotency.models import KeptAnswer
from regulars.idempotency.refusals import AnswerErased, KeyInFlight, KeyOfAnotherRequest, KeyRefused
from regulars.inserts import insert_new
from regulars.letters import in_small_letters
from regulars.tables import new_id
from regulars.writing import fetch

__all__ = [
    "KEPT_FOR",
    "KeyedRequest",
    "KeysInFlight",
    "claim_key",
    "delete_old_answers",
    "erase_answers",
    "find_answer",
    "keep_answer",
    "keyed_request",
]

KEPT_FOR = timedelta(hours=48)
LONGEST_KEY = 255


@dataclass(frozen=True)
class KeyedRequest:
    """A request under a key: who sent it, and the digest of what it asks."""

    credential: str
    key: str
    hash: str


def keyed_request(actor: Actor, key: str, *parts: object) -> KeyedRequest:
    """Return the request of this actor under this key; ``parts`` are all that it asks, as JSON knows it.

    The same key of another credential is another key. Raises ``KeyRefused``.
    """
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise KeyRefused
    asked = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    credential = actor.label if actor.key_id is None else f"key:{actor.key_id}"
    return KeyedRequest(credential, key, hashlib.sha256(asked.encode()).hexdigest())


class KeysInFlight:
    """The keys whose requests this process is working on."""

    def __init__(self) -> None:
        self._held: set[tuple[str, str]] = set()

    @contextmanager
    def held(self, request: KeyedRequest) -> Iterator[None]:
        """Hold the key while the block lasts; raise ``KeyInFlight`` when another request holds it."""
        name = (request.credential, request.key)
        if name in self._held:
            raise KeyInFlight(request.key)
        self._held.add(name)
        try:
            yield
        finally:
            self._held.discard(name)


async def claim_key(session: AsyncSession, request: KeyedRequest) -> str | None:
    """Return what the request was answered the first time; None when it is the first, and the session may go on.

    To be called first in the transaction of the effect. Another process with the same key is refused by PostgreSQL
    until this transaction ends; on SQLite, where writers come one after another, it waits and finds the answer.
    Raises ``KeyInFlight``, and what ``find_answer`` raises.
    """
    if session.get_bind().dialect.name == "postgresql":
        [(is_taken,)] = await fetch(session, _taking(), lock=_lock_of(request))
        if not is_taken:
            raise KeyInFlight(request.key)
    return await find_answer(session, request)


async def find_answer(session: AsyncSession, request: KeyedRequest) -> str | None:
    """Return the answer that was kept for the request, or None.

    Raises ``KeyOfAnotherRequest`` when the key was used for something else, and ``AnswerErased``.
    """
    kept = await fetch(session, _finding(), credential=request.credential, key=request.key)
    if not kept:
        return None
    [(request_hash, answer)] = kept
    if request_hash != request.hash:
        raise KeyOfAnotherRequest(request.key)
    if answer is None:
        raise AnswerErased(request.key)
    return str(answer)


async def keep_answer(
    session: AsyncSession, request: KeyedRequest, *, answer: str, request_id: str, now: datetime
) -> None:
    """Keep the answer, unless one is kept already; it counts once the session commits, together with the effect."""
    row = {
        "id": new_id(),
        "credential": request.credential,
        "key": request.key,
        "request_hash": request.hash,
        "request_id": request_id,
        "answer": answer,
        "kept_at": now,
    }
    await insert_new(session, KeptAnswer, [row], unless_taken=["credential", "key"])


async def delete_old_answers(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` answers from before that moment, and return how many."""
    old = select(col(KeptAnswer.id)).where(col(KeptAnswer.kept_at) < before).limit(limit)
    connection = await session.connection()
    return (await connection.execute(delete(KeptAnswer).where(col(KeptAnswer.id).in_(old)))).rowcount


async def erase_answers(session: AsyncSession, *, request_ids: Collection[str], words: Collection[str]) -> int:
    """Empty the answers of these requests and those in which any of ``words`` occurs, in any case; return how many.

    A request that is repeated afterwards is refused with ``AnswerErased``: its effect is not had twice.
    """
    found: list[ColumnElement[bool]] = [col(KeptAnswer.request_id).in_(request_ids)]
    answer = in_small_letters(col(KeptAnswer.answer))
    found += [answer.contains(word.lower(), autoescape=True) for word in words if word]
    connection = await session.connection()
    erased = update(KeptAnswer).where(col(KeptAnswer.answer).is_not(None), or_(*found)).values(answer=None)
    return (await connection.execute(erased)).rowcount


@cache
def _taking() -> Select[bool]:
    return select(func.pg_try_advisory_xact_lock(bindparam("lock", type_=BigInteger())))


@cache
def _finding() -> Select[str, str | None]:
    asked = col(KeptAnswer.credential) == bindparam("credential"), col(KeptAnswer.key) == bindparam("key")
    return select(col(KeptAnswer.request_hash), col(KeptAnswer.answer)).where(*asked)


def _lock_of(request: KeyedRequest) -> int:
    name = f"{request.credential}\n{request.key}".encode()
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big", signed=True)
