"""Keep what can be sent at all: the list of streams that customers choose from."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars import ConsentRegistry, InvalidInput, NotFound, record_event
from regulars_preference_centre.models import Stream

__all__ = ["define_stream", "in_language", "retire_stream", "streams"]

TOPIC = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*")


async def streams(session: AsyncSession, *, with_retired: bool = False) -> Sequence[Stream]:
    """Return the streams in the shop's order."""
    query = select(Stream).order_by(col(Stream.position), col(Stream.topic))
    if not with_retired:
        query = query.where(col(Stream.retired_at).is_(None))
    return (await session.scalars(query)).all()


async def define_stream(
    session: AsyncSession,
    *,
    topic: str,
    purpose: str,
    channels: Sequence[str],
    titles: Mapping[str, str],
    descriptions: Mapping[str, str],
    position: int,
    registry: ConsentRegistry | None = None,
    actor: str = "system",
    now: datetime,
) -> Stream:
    """Offer a stream from now on, or in other words.

    Raises ``InvalidInput`` for a topic or words that are none, and ``UnknownValue`` for a purpose or channel that the
    ``registry`` does not know.
    """
    if not TOPIC.fullmatch(topic):
        raise InvalidInput(f"{topic!r} is no topic. Write it as books.tartt.", path=("topic",))
    if not titles or not all(words.strip() for words in titles.values()):
        raise InvalidInput("A stream needs a title in at least one language.", path=("titles",))
    if not channels:
        raise InvalidInput("Name at least one channel by which the stream comes.", path=("channels",))
    if registry is not None:
        registry.check_purpose(purpose)
        for channel in channels:
            registry.check_channel(channel)
    stream = await session.get(Stream, topic)
    if stream is None:
        stream = Stream(topic=topic, purpose=purpose, channels=[], titles={}, descriptions={}, created_at=now)
    stream.purpose, stream.channels, stream.position = purpose, list(channels), position
    stream.titles, stream.descriptions = dict(titles), dict(descriptions)
    stream.retired_at = None
    session.add(stream)
    await session.flush()
    await _tell(session, "stream.defined", stream, actor, now)
    return stream


async def retire_stream(session: AsyncSession, *, topic: str, actor: str = "system", now: datetime) -> Stream:
    """Offer a stream no longer; what customers chose about it stays. Raises ``NotFound``."""
    stream = await session.get(Stream, topic)
    if stream is None:
        raise NotFound("stream", topic, path=("topic",))
    stream.retired_at = stream.retired_at or now
    await session.flush()
    await _tell(session, "stream.retired", stream, actor, now)
    return stream


def in_language(words: Mapping[str, str], language: str, fallback: str) -> str:
    """Return the words in the language, else in the fallback, else in whichever there is; empty where there is none."""
    return words.get(language) or words.get(fallback) or next(iter(words.values()), "")


async def _tell(session: AsyncSession, type: str, stream: Stream, actor: str, now: datetime) -> None:
    facts = {"topic": stream.topic}
    await record_event(session, type=type, subject=f"stream:{stream.topic}", actor=actor, data=facts, now=now)
