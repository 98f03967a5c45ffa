"""Check the whole chain, link by link, against the rows, the words beside them and the signed heads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.audit.chain import BEGINNING, KINDS, link_hash, read_contents
from regulars.audit.heads import Head, Heads
from regulars.audit.models import LedgerWords, Seal, SubjectKey, UnsealedRow
from regulars.audit.sealing import seal_rows
from regulars.audit.words import digest_of_words
from regulars.database import Database

__all__ = ["Break", "LedgerVerdict", "verify_ledger"]

PAGE = 2_000


@dataclass(frozen=True)
class Break:
    """The first place where the chain does not hold, and what is wrong there."""

    seq: int
    problem: str


@dataclass(frozen=True)
class LedgerVerdict:
    """What was found: how many rows are sealed, how many wait, whose words were erased, and the first break if any.

    ``head_seq`` is the last link that a signed head vouches for; what comes after it is held by the chain alone.
    """

    sealed: int
    unsealed: int
    erased: int
    heads: int
    head_seq: int
    first_break: Break | None

    @property
    def is_whole(self) -> bool:
        """Tell whether every link holds."""
        return self.first_break is None


async def verify_ledger(database: Database, heads: Heads, *, now: datetime) -> LedgerVerdict:
    """Seal what waits, check every link, and put a signed head beside a chain that holds.

    Rows that are committed while this goes on are counted as unsealed.
    """
    await seal_rows(database, now=now)
    kept = heads.read()
    async with database.reading() as session:
        walk = _Walk(session, kept)
        await walk.check_links()
        await walk.check_end()
    if walk.first_break is None:
        await heads.keep_up(database, now=now, at_once=True)
    return LedgerVerdict(
        sealed=walk.seq,
        unsealed=walk.unsealed,
        erased=walk.erased,
        heads=len(kept),
        head_seq=max((head.seq for head in kept if head.seq <= walk.seq), default=0),
        first_break=walk.first_break,
    )


class _Walk:
    """One walk along the chain; it stops at the first break."""

    def __init__(self, session: AsyncSession, heads: Sequence[Head]) -> None:
        self._session, self._heads = session, heads
        self._expected: dict[int, Head] = {}
        self.seq, self._hash = 0, BEGINNING
        self.erased = self.unsealed = 0
        self.first_break: Break | None = None

    async def check_links(self) -> None:
        """Check each link against the one before, its row, its words and the head that vouches for it."""
        for head in self._heads:
            if head.problem is not None:
                self.first_break = Break(head.seq, head.problem)
                return
            self._expected[head.seq] = head
        while self.first_break is None:
            query = select(Seal).where(col(Seal.seq) > self.seq).order_by(col(Seal.seq)).limit(PAGE)
            seals = list(await self._session.scalars(query))
            if not seals:
                return
            await self._check_page(seals)
            self._session.expunge_all()

    async def check_end(self) -> None:
        """Check that nothing is missing after the last link: neither what a head has seen, nor rows without a seal."""
        waiting = select(func.count()).select_from(UnsealedRow)
        self.unsealed = await self._session.scalar(waiting) or 0
        if self.first_break is not None:
            return
        beyond = [head for head in self._heads if head.seq > self.seq]
        if beyond:
            self.first_break = Break(
                self.seq + 1,
                f"A signed head has seen link {beyond[-1].seq} on {beyond[-1].at:%Y-%m-%d at %H:%M} UTC; the chain ends"
                f" before it. The end was cut off, or the database is an older copy, or the heads belong to another"
                " database.",
            )
            return
        for kind in KINDS:
            await self._check_nothing_left_out(kind)

    async def _check_page(self, seals: Sequence[Seal]) -> None:
        contents = {
            kind: await read_contents(self._session, kind, [seal.row_id for seal in seals if seal.kind == kind])
            for kind in KINDS
        }
        words = await self._read_words([seal.row_id for seal in seals])
        for seal in seals:
            content = contents.get(seal.kind, {}).get(seal.row_id)
            problem = self._problem_of_link(seal, content) or self._problem_of_words(seal, content or {}, words)
            if problem is not None:
                self.first_break = Break(seal.seq, problem)
                return
            self.seq, self._hash = seal.seq, seal.hash

    def _problem_of_link(self, seal: Seal, content: Mapping[str, Any] | None) -> str | None:
        if seal.seq != self.seq + 1:
            return f"Links {self.seq + 1} to {seal.seq - 1} are missing."
        if seal.previous != self._hash:
            return "It does not hold on to the link before."
        if content is None:
            return f"Its row, {seal.kind} {seal.row_id}, is gone."
        hash = link_hash(
            seq=seal.seq, kind=seal.kind, content=content, sealed_at=seal.sealed_at, previous=seal.previous
        )
        if hash != seal.hash:
            return f"Its row, {seal.kind} {seal.row_id}, or the link itself was changed after it was sealed."
        head = self._expected.get(seal.seq)
        if head is not None and head.hash != seal.hash:
            return (
                f"A signed head has seen another link here on {head.at:%Y-%m-%d at %H:%M} UTC: the chain was made anew,"
                " or the heads belong to another database."
            )
        return None

    def _problem_of_words(
        self, seal: Seal, content: Mapping[str, Any], words: Mapping[UUID, tuple[LedgerWords, str | None]]
    ) -> str | None:
        digest = content.get("words_hmac")
        if digest is None:
            return None
        if seal.row_id not in words:
            self.erased += 1
            return None
        kept, key = words[seal.row_id]
        if key is None:
            return f"The words of {seal.kind} {seal.row_id} are there, but the key of {kept.subject} is gone."
        if digest_of_words(key, reason=kept.reason, evidence=kept.evidence) != digest:
            return f"The words of {seal.kind} {seal.row_id} were changed after they were written."
        return None

    async def _read_words(self, ids: Sequence[UUID]) -> dict[UUID, tuple[LedgerWords, str | None]]:
        found: dict[UUID, tuple[LedgerWords, str | None]] = {}
        for first in range(0, len(ids), 500):
            query = (
                select(LedgerWords, col(SubjectKey.key))
                .outerjoin(SubjectKey, col(SubjectKey.subject) == col(LedgerWords.subject))
                .where(col(LedgerWords.entry_id).in_(ids[first : first + 500]))
            )
            found |= {words.entry_id: (words, key) for words, key in (await self._session.execute(query)).all()}
        return found

    async def _check_nothing_left_out(self, kind: str) -> None:
        row_id: Column[Any] = KINDS[kind].table.c.id
        is_sealed = exists().where(col(Seal.row_id) == row_id, col(Seal.kind) == kind)
        waits = exists().where(col(UnsealedRow.row_id) == row_id, col(UnsealedRow.kind) == kind)
        left_out = await self._session.scalar(select(row_id).where(~is_sealed, ~waits).limit(1))
        if left_out is not None:
            self.first_break = Break(
                self.seq + 1, f"The row {kind} {left_out} has no link and waits for none: the end was cut off."
            )
