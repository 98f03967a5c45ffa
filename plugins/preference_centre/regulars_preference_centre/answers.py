"""Keep what customers tell of themselves in answer to the shop's questions, in their own words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars import InvalidInput, NotFound, OutOfRange, UnknownValue
from regulars_preference_centre.models import PAGE, Answer, Question

__all__ = ["KINDS", "answers_of", "define_question", "forget_answer", "keep_answers", "questions", "retire_question"]

KINDS = ("roadblock", "matter", "fact")
LONGEST_ANSWER = 500


async def questions(session: AsyncSession) -> Sequence[Question]:
    """Return the questions that are asked, in the shop's order."""
    query = select(Question).where(col(Question.retired_at).is_(None))
    return (await session.scalars(query.order_by(col(Question.kind), col(Question.position), col(Question.key)))).all()


async def define_question(
    session: AsyncSession,
    *,
    key: str,
    kind: str,
    titles: Mapping[str, str],
    options: Mapping[str, Mapping[str, str]],
    topic: str | None,
    position: int,
) -> Question:
    """Ask a question from now on, or ask it in other words.

    Raises ``UnknownValue`` for another kind and ``InvalidInput`` for a question without words.
    """
    if kind not in KINDS:
        raise UnknownValue("kind of question", kind, KINDS, path=("kind",))
    if not titles or not all(words.strip() for words in titles.values()):
        raise InvalidInput("A question needs words in at least one language.", path=("titles",))
    question = await session.get(Question, key) or Question(key=key, kind=kind, titles={}, options={})
    question.kind, question.topic, question.position = kind, topic, position
    question.titles, question.options = dict(titles), {value: dict(words) for value, words in options.items()}
    question.retired_at = None
    session.add(question)
    await session.flush()
    return question


async def retire_question(session: AsyncSession, *, key: str, now: datetime) -> Question:
    """Ask a question no longer; what customers answered stays theirs. Raises ``NotFound``."""
    question = await session.get(Question, key)
    if question is None:
        raise NotFound("question", key, path=("key",))
    question.retired_at = question.retired_at or now
    await session.flush()
    return question


async def keep_answers(
    session: AsyncSession,
    *,
    customer_id: UUID,
    answers: Mapping[str, str],
    may_be_used: bool,
    told_to: str = PAGE,
    now: datetime,
) -> None:
    """Keep the customer's answers by the keys of questions; an empty one takes an earlier answer back.

    ``told_to`` is where they said it: their page, or whoever of the shop they said it to.

    Raises ``UnknownValue`` for a question that is not asked or a value that was not offered, and ``OutOfRange`` for
    more than 500 letters. Then nothing is kept.
    """
    asked = {question.key: question for question in await questions(session)}
    for key, value in answers.items():
        _check(asked, key, value)
    rows = await session.scalars(
        select(Answer).where(col(Answer.customer_id) == customer_id, col(Answer.key).in_(answers))
    )
    standing = {row.key: row for row in rows}
    for key, value in answers.items():
        said, row = value.strip(), standing.get(key)
        if not said and row is not None:
            await session.delete(row)
        elif said and row is None:
            session.add(
                Answer(
                    profile_id=customer_id,
                    customer_id=customer_id,
                    key=key,
                    value=said,
                    may_be_used=may_be_used,
                    told_to=told_to,
                    told_at=now,
                )
            )
        elif said and row is not None and (row.value, row.may_be_used) != (said, may_be_used):
            row.value, row.may_be_used, row.told_to, row.told_at = said, may_be_used, told_to, now
    await session.flush()


async def answers_of(session: AsyncSession, *, customer_id: UUID) -> Mapping[str, Answer]:
    """Return what the customer told, by the keys of questions; of two who became one, what was told last."""
    rows = await session.scalars(
        select(Answer).where(col(Answer.customer_id) == customer_id).order_by(col(Answer.told_at))
    )
    return {row.key: row for row in rows}


async def forget_answer(session: AsyncSession, *, customer_id: UUID, key: str) -> None:
    """Take an answer back; one that was never given is no error."""
    await session.execute(delete(Answer).where(col(Answer.customer_id) == customer_id, col(Answer.key) == key))


def _check(asked: Mapping[str, Question], key: str, value: str) -> None:
    question = asked.get(key)
    if question is None:
        raise UnknownValue("question", key, asked, path=("answers", key))
    if len(value) > LONGEST_ANSWER:
        raise OutOfRange(f"Say it in up to {LONGEST_ANSWER} letters.", path=("answers", key))
    if value.strip() and question.options and value.strip() not in question.options:
        raise UnknownValue("answer", value, question.options, path=("answers", key))
