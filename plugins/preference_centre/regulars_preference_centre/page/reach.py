"""What can reach a customer, and what does: every stream by a plain name, with the true recent rate."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from sqlalchemy import func, select
from sqlmodel import col

from regulars import ContactTouch, CustomerPermissions, Scope, read_permissions
from regulars_preference_centre.choices import AS_THE_HOUSE, CapChoice, narrowest
from regulars_preference_centre.models import Cap, ChannelChoice, Stream
from regulars_preference_centre.page.names import plain_name
from regulars_preference_centre.page.visit import Visit
from regulars_preference_centre.page.words import words_of
from regulars_preference_centre.streams import in_language, streams
from regulars_preference_centre.wishes import WISH

__all__ = [
    "ANY",
    "LATELY",
    "Reachable",
    "caps_of",
    "channels_off",
    "in_words",
    "lately_in_all",
    "permissions_of",
    "reachable",
]

ANY = "*"
LATELY = timedelta(days=30)
REMEMBERED = timedelta(days=365)
ARRIVED = ("confirmed", "sent", "unknown")
COUNTED = ("marketing", "research")
PURPOSES = ("marketing.own", "research")
WISHES = f"{WISH}."
"""How topics of single wishes begin, which have a section of their own."""


@dataclass(frozen=True)
class Reachable:
    """Something that can be sent: a stream that is offered, or a topic that nobody described and yet may come.

    ``is_allowed`` tells that the customer agreed on one of its ``channels`` at least; ``open_channels`` are those by
    which it really comes. ``lately`` counts what came in the last thirty days, by channel. A down visit knows none of
    these.
    """

    topic: str
    purpose: str
    channels: tuple[str, ...]
    title: str
    description: str = ""
    is_offered: bool = True
    is_allowed: bool = False
    open_channels: tuple[str, ...] = ()
    lately: Mapping[str, int] = field(default_factory=dict)
    cap: CapChoice = AS_THE_HOUSE

    @property
    def gets(self) -> bool:
        """Tell whether the customer gets it as things stand; a pause is told of elsewhere."""
        return bool(self.open_channels) and self.cap.most != 0

    @property
    def key(self) -> str:
        """Return a name that can stand in an HTML id."""
        return f"{self.purpose}_{self.topic}".replace(".", "-").replace(ANY, "any")


async def permissions_of(visit: Visit) -> CustomerPermissions:
    """Return what the customer allows, read once a visit."""
    if "permissions" not in visit.memory:
        visit.memory["permissions"] = await read_permissions(
            visit.ctx.session, customer_id=visit.customer_id, now=visit.now
        )
    return cast("CustomerPermissions", visit.memory["permissions"])


async def channels_off(visit: Visit) -> frozenset[str]:
    """Return the channels that the customer switched off."""
    if "channels_off" not in visit.memory:
        off = select(col(ChannelChoice.channel)).where(
            col(ChannelChoice.customer_id) == visit.customer_id, ~col(ChannelChoice.is_on)
        )
        visit.memory["channels_off"] = frozenset(await visit.ctx.session.scalars(off))
    return cast("frozenset[str]", visit.memory["channels_off"])


async def reachable(visit: Visit) -> Sequence[Reachable]:
    """Return everything that can reach the customer, the shop's streams first, in a fixed number of statements.

    A down visit gets the shop's streams and the topic of its link, and nothing about the customer.
    """
    if "reachable" not in visit.memory:
        offered = await streams(visit.ctx.session, with_retired=True)
        known = await _known(visit, offered) if visit.is_up else _open_to_all(visit, offered)
        visit.memory["reachable"] = known
    return cast("Sequence[Reachable]", visit.memory["reachable"])


def in_words(stream: Stream, language: str, usual: str) -> tuple[str, str]:
    """Return the title and the description of a stream."""
    return in_language(stream.titles, language, usual), in_language(stream.descriptions, language, usual)


def _open_to_all(visit: Visit, offered: Sequence[Stream]) -> Sequence[Reachable]:
    lines = [_line(visit, stream) for stream in offered if stream.retired_at is None]
    topic = ANY if visit.token is None else visit.token.topic
    if topic != ANY and topic not in {line.topic for line in lines}:
        lines.append(_nameless(visit, topic, PURPOSES[0]))
    return lines


async def _known(visit: Visit, offered: Sequence[Stream]) -> Sequence[Reachable]:
    permissions, off = await permissions_of(visit), await channels_off(visit)
    sent, caps = await _sent(visit), await caps_of(visit)
    lines = [_line(visit, stream) for stream in offered]
    named = {line.topic for line in lines}
    others = {topic for topic in permissions.topics | {topic for topic, _, _ in sent} if not topic.startswith(WISHES)}
    others -= named | {ANY}
    lines += [_nameless(visit, topic, purpose) for topic in sorted(others) for purpose in PURPOSES]
    lines += [_general(visit, purpose) for purpose in PURPOSES]
    told = []
    for line in lines:
        allowed = [channel for channel in line.channels if permissions.allows(Scope(line.purpose, channel, line.topic))]
        if line.is_offered or allowed:
            told.append(
                Reachable(
                    line.topic,
                    line.purpose,
                    line.channels,
                    line.title,
                    line.description,
                    line.is_offered,
                    bool(allowed),
                    tuple(channel for channel in allowed if channel not in off),
                    _lately(sent, line.topic),
                    caps.get(line.topic, AS_THE_HOUSE),
                )
            )
    return told


def _line(visit: Visit, stream: Stream) -> Reachable:
    title, description = in_words(stream, visit.language, visit.settings.languages[0])
    is_offered = stream.retired_at is None
    return Reachable(stream.topic, stream.purpose, tuple(stream.channels), title, description, is_offered)


def _nameless(visit: Visit, topic: str, purpose: str) -> Reachable:
    return Reachable(topic, purpose, visit.settings.channels, plain_name(topic, visit.language), is_offered=False)


def _general(visit: Visit, purpose: str) -> Reachable:
    title = words_of("reach", visit.language)("in_general_" + purpose.partition(".")[0])
    return Reachable(ANY, purpose, visit.settings.channels, title, is_offered=False)


async def lately_in_all(visit: Visit) -> Mapping[str, int]:
    """Return how many messages of any kind came in the last thirty days, by channel."""
    return _lately(await _sent(visit), ANY)


async def _sent(visit: Visit) -> Sequence[tuple[str, str, int]]:
    """Return topic, channel and how many came lately; topics that came within a year have a row with 0."""
    if "sent" not in visit.memory:
        visit.memory["sent"] = await _read_sent(visit)
    return cast("Sequence[tuple[str, str, int]]", visit.memory["sent"])


async def _read_sent(visit: Visit) -> Sequence[tuple[str, str, int]]:
    recent = func.count().filter(col(ContactTouch.at) > visit.now - LATELY)
    query = (
        select(col(ContactTouch.topic), col(ContactTouch.channel), recent)
        .where(
            col(ContactTouch.customer_id) == visit.customer_id,
            col(ContactTouch.at) > visit.now - REMEMBERED,
            col(ContactTouch.state).in_(ARRIVED),
            col(ContactTouch.contact_class).in_(COUNTED),
        )
        .group_by(col(ContactTouch.topic), col(ContactTouch.channel))
    )
    return [(topic, channel, count) for topic, channel, count in await visit.ctx.session.execute(query)]


async def caps_of(visit: Visit) -> Mapping[str, CapChoice]:
    """Return how often the customer lets each topic come on any channel; topics without a choice are left out."""
    query = select(Cap).where(col(Cap.customer_id) == visit.customer_id, col(Cap.channel) == ANY)
    rows = (await visit.ctx.session.scalars(query)).all()
    topics = {row.topic for row in rows}
    return {
        topic: narrowest([CapChoice(row.most, row.window_h) for row in rows if row.topic == topic]) for topic in topics
    }


def _lately(sent: Iterable[tuple[str, str, int]], topic: str) -> Mapping[str, int]:
    counted: Counter[str] = Counter()
    for about, channel, count in sent:
        if topic == ANY or about == topic or about.startswith(f"{topic}."):
            counted[channel] += count
    return {channel: count for channel, count in counted.items() if count}
