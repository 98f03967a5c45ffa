"""Announce an item: everybody who waits for it is told once."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars import InvalidInput, JobRun, MessageDraft, OutOfRange, PluginContext, new_id, record_event
from regulars_preference_centre.mails import ALERT
from regulars_preference_centre.models import AlertRequest, Announcement
from regulars_preference_centre.streams import TOPIC
from regulars_preference_centre.updating import check_channel
from regulars_preference_centre.wishes import WISH, matches

__all__ = ["ANNOUNCE_JOB", "AT_ONCE", "announce_item", "tell_everybody", "tell_of_announcements", "wait_for"]

ANNOUNCE_JOB = "preference_centre.announce"
AT_ONCE = 500
MOST_TOPICS = 20
LONGEST_TITLE, LONGEST_KEY, LONGEST_URL = 200, 100, 2000


async def announce_item(
    session: AsyncSession,
    *,
    key: str,
    title: str,
    url: str,
    topics: Sequence[str],
    channel: str,
    expires_at: datetime | None,
    known_channels: Collection[str],
    actor: str,
    now: datetime,
) -> Announcement:
    """Keep that an item is there and return the announcement; the same key is the same one, told once.

    Raises ``InvalidInput`` for words, an address or topics that are none, ``UnknownValue`` for a channel, and
    ``OutOfRange`` for an end that is over.
    """
    title = " ".join(title.split())
    _check_text(key, "key", LONGEST_KEY)
    _check_text(title, "title", LONGEST_TITLE)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or len(url) > LONGEST_URL:
        raise InvalidInput("Give the whole address of the item, such as https://shop.example.com/red.", path=("url",))
    for topic in topics:
        if not TOPIC.fullmatch(topic) or topic.partition(".")[0] == WISH:
            raise InvalidInput(f"{topic!r} is no topic. Write it as books.tartt.", path=("topics",))
    if len(topics) > MOST_TOPICS:
        raise OutOfRange(f"Name up to {MOST_TOPICS} topics.", path=("topics",))
    check_channel(channel, known_channels, may_be_any=False)
    if expires_at is not None and expires_at <= now:
        raise OutOfRange("This would be out of date before anybody hears of it.", path=("expiresAt",))
    earlier = await session.scalar(select(Announcement).where(col(Announcement.key) == key))
    if earlier is not None:
        return earlier
    announcement = Announcement(
        id=new_id(),
        key=key,
        title=title,
        url=url,
        topics=list(dict.fromkeys(topics)),
        channel=channel,
        expires_at=expires_at,
        announced_by=actor,
        announced_at=now,
    )
    session.add(announcement)
    await session.flush()
    subject = f"announcement:{announcement.id}"
    await record_event(session, type="item.announced", subject=subject, actor=actor, data={"key": key}, now=now)
    return announcement


async def wait_for(session: AsyncSession, announcement: Announcement, *, most: int, now: datetime) -> int:
    """Return how many wishes the item might fulfil, ``most`` at most."""
    might = select(col(AlertRequest.id)).where(_might_be_fulfilled(announcement, now)).limit(most)
    return len((await session.scalars(might)).all())


async def tell_everybody(ctx: PluginContext, announcement: Announcement, *, now: datetime) -> None:
    """Tell all who wait, in this transaction: only for a few."""
    while announcement.ended_at is None:
        await _tell_next(ctx, announcement, now=now)


async def _tell_next(ctx: PluginContext, announcement: Announcement, *, now: datetime) -> None:
    """Send a message to the next customers who wait for the item, and note how far the telling is.

    Each gets one message, for the first of their wishes that it fulfils. Messages and the note of how far it is are
    committed together, and a customer's message has one key, so nobody is told twice or left out, whenever it is
    broken off.
    """
    wishes = await _next_wishes(ctx.session, announcement, now)
    first: dict[UUID, AlertRequest] = {}
    for wish in wishes:
        if wish.topic in announcement.topics or matches(wish.words, announcement.title):
            first.setdefault(wish.customer_id, wish)
    announcement.told += await ctx.messages.enqueue_all([_draft(announcement, wish) for wish in first.values()])
    told = update(AlertRequest).where(col(AlertRequest.id).in_([wish.id for wish in first.values()]))
    await ctx.session.execute(told.values(told_at=now).execution_options(synchronize_session=False))
    if wishes:
        announcement.last_customer_id, announcement.last_alert_id = wishes[-1].customer_id, wishes[-1].id
    if len(wishes) < AT_ONCE:
        announcement.ended_at = now
    await ctx.session.flush()


async def tell_of_announcements(run: JobRun) -> Mapping[str, Any]:
    """Tell of every announcement that not everybody has heard of, a few hundred customers at a time."""
    told = 0
    while True:
        async with run.writing() as session:
            announcement = await _unfinished(session)
            if announcement is None:
                return {"told": told}
            before = announcement.told
            await _tell_next(run.context_in(session), announcement, now=run.clock.now())
            told += announcement.told - before
        await run.progress(told, message=announcement.title)


async def _unfinished(session: AsyncSession) -> Announcement | None:
    oldest = select(Announcement).where(col(Announcement.ended_at).is_(None)).order_by(col(Announcement.announced_at))
    return await session.scalar(oldest.limit(1).with_for_update())


async def _next_wishes(session: AsyncSession, announcement: Announcement, now: datetime) -> Sequence[AlertRequest]:
    """Return the next wishes in the order of customers, so that all of one customer stand together."""
    customer_id, id = col(AlertRequest.customer_id), col(AlertRequest.id)
    query = select(AlertRequest).where(_might_be_fulfilled(announcement, now)).order_by(customer_id, id).limit(AT_ONCE)
    if announcement.last_customer_id is not None:
        same_customer = and_(customer_id == announcement.last_customer_id, id > announcement.last_alert_id)
        query = query.where(or_(customer_id > announcement.last_customer_id, same_customer))
    return (await session.scalars(query)).all()


def _might_be_fulfilled(announcement: Announcement, now: datetime) -> ColumnElement[bool]:
    topic = col(AlertRequest.topic)
    return and_(
        col(AlertRequest.cancelled_at).is_(None),
        or_(col(AlertRequest.ends_at).is_(None), col(AlertRequest.ends_at) > now),
        col(AlertRequest.created_at) <= announcement.announced_at,
        or_(topic.in_(announcement.topics), topic.startswith(f"{WISH}.")),
    )


def _draft(announcement: Announcement, wish: AlertRequest) -> MessageDraft:
    return MessageDraft(
        key=f"announcement:{announcement.id}:{wish.customer_id}",
        template=ALERT,
        channel=wish.channel or announcement.channel,
        customer_id=wish.customer_id,
        payload={"title": announcement.title, "url": announcement.url, "wish": wish.words},
        topic=wish.topic,
        campaign=announcement.key,
        requested_alert=True,
        expires_at=announcement.expires_at,
    )


def _check_text(text: str, name: str, longest: int) -> None:
    if not text.strip() or len(text) > longest:
        raise InvalidInput(f"Write 1 to {longest} letters.", path=(name,))
