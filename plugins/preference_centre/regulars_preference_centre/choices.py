"""Keep what customers choose: how often, by which channels, when not, and pauses.

Every change says what the customer saw before it. Where something else stands there now, the newer choice stays and the
change is returned as a conflict, so that a page left open never undoes what was chosen since.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars import Conflict, InvalidInput, OutOfRange
from regulars_preference_centre.models import Cap, ChannelChoice, Choices, Pause
from regulars_preference_centre.times import QuietHours

__all__ = [
    "AS_THE_HOUSE",
    "CapChoice",
    "add_pause",
    "choices_of",
    "keep_caps",
    "keep_channels",
    "keep_quiet_hours",
    "lift_pauses",
    "narrowest",
    "quiet_hours_in",
]

ANY = "*"


@dataclass(frozen=True)
class CapChoice:
    """How often at most: ``most`` messages in ``window_h`` hours; None as often as the house does, 0 never."""

    most: int | None
    window_h: int

    def __post_init__(self) -> None:
        if self.most is not None and self.most < 0:
            raise OutOfRange("How often cannot be less than never. Give 0 or more.", path=("most",))
        if self.window_h <= 0:
            raise OutOfRange("The time in which messages are counted must be an hour or more.", path=("windowH",))


AS_THE_HOUSE = CapChoice(None, 168)


async def choices_of(
    session: AsyncSession, *, customer_id: UUID, expected_version: int | None = None, now: datetime
) -> Choices:
    """Return the customer's row of choices, made if there is none, with the next version; others wait for it.

    Raises ``Conflict`` when the version is not the one that the caller saw.
    """
    query = select(Choices).where(col(Choices.profile_id) == customer_id).with_for_update()
    row = await session.scalar(query.execution_options(populate_existing=True))
    actual = 0 if row is None else row.version
    if expected_version is not None and expected_version != actual:
        raise Conflict("preferences of customer", customer_id, expected=expected_version, actual=actual)
    if row is None:
        row = Choices(profile_id=customer_id, customer_id=customer_id, version=0, updated_at=now)
        session.add(row)
    row.version += 1
    row.updated_at = now
    return row


async def keep_caps(
    session: AsyncSession,
    *,
    customer_id: UUID,
    seen: Mapping[str, CapChoice],
    wanted: Mapping[str, CapChoice],
    now: datetime,
) -> Sequence[str]:
    """Keep how often each topic may come, on any channel; return the topics whose newer choice stays instead."""
    query = select(Cap).where(col(Cap.customer_id) == customer_id, col(Cap.channel) == ANY, col(Cap.topic).in_(wanted))
    rows = (await session.scalars(query)).all()
    conflicts = []
    for topic, choice in wanted.items():
        standing = [row for row in rows if row.topic == topic]
        current = narrowest([CapChoice(row.most, row.window_h) for row in standing])
        before = seen.get(topic, AS_THE_HOUSE)
        if choice in (before, current):
            continue
        if current != before:
            conflicts.append(topic)
            continue
        for row in standing:
            await session.delete(row)
        await session.flush()
        if choice.most is not None:
            session.add(
                Cap(
                    profile_id=customer_id,
                    customer_id=customer_id,
                    topic=topic,
                    most=choice.most,
                    window_h=choice.window_h,
                    changed_at=now,
                )
            )
    await session.flush()
    return conflicts


async def keep_channels(
    session: AsyncSession,
    *,
    customer_id: UUID,
    seen: Mapping[str, bool],
    wanted: Mapping[str, bool],
    now: datetime,
) -> Sequence[str]:
    """Keep which channels are on; return the channels whose newer choice stays instead.

    A channel of which the customer never said anything counts as on: it needs consent all the same.
    """
    query = select(ChannelChoice).where(col(ChannelChoice.customer_id) == customer_id)
    rows = (await session.scalars(query)).all()
    conflicts = []
    for channel, is_on in wanted.items():
        standing = [row for row in rows if row.channel == channel]
        current = all(row.is_on for row in standing)
        before = seen.get(channel, True)
        if is_on == before or (standing and is_on == current):
            continue
        if current != before:
            conflicts.append(channel)
            continue
        for row in standing:
            row.is_on, row.changed_at = is_on, now
        if not standing:
            session.add(
                ChannelChoice(
                    profile_id=customer_id, customer_id=customer_id, channel=channel, is_on=is_on, changed_at=now
                )
            )
    await session.flush()
    return conflicts


async def keep_quiet_hours(
    session: AsyncSession, *, customer_id: UUID, seen: QuietHours, wanted: QuietHours, now: datetime
) -> bool:
    """Keep the customer's own quiet hours; return whether a newer choice stays instead."""
    query = select(Choices).where(col(Choices.customer_id) == customer_id)
    rows = (await session.scalars(query)).all()
    current = next((hours for row in rows if (hours := quiet_hours_in(row)) is not None), None)
    if wanted in (seen, current):
        return False
    if current != seen:
        return True
    for row in rows:
        row.quiet_from, row.quiet_to = (wanted or (None, None)) if row.profile_id == customer_id else (None, None)
        row.updated_at = now
    await session.flush()
    return False


def quiet_hours_in(row: Choices) -> QuietHours:
    """Return the quiet hours that a row holds."""
    return None if row.quiet_from is None or row.quiet_to is None else (row.quiet_from, row.quiet_to)


def narrowest(choices: Sequence[CapChoice]) -> CapChoice:
    """Return the choice that lets the fewest messages through; without any, what the house does."""
    limited = [choice for choice in choices if choice.most is not None]
    return min(limited, key=lambda choice: (choice.most or 0) / choice.window_h, default=AS_THE_HOUSE)


async def add_pause(
    session: AsyncSession,
    *,
    customer_id: UUID,
    begins_at: datetime,
    ends_at: datetime | None,
    channel: str = ANY,
    topic: str = ANY,
    now: datetime,
) -> Pause:
    """Let nothing through from ``begins_at`` until just before ``ends_at``, or until it is lifted.

    Raises ``OutOfRange`` for no time at all.
    """
    if ends_at is not None and ends_at <= begins_at:
        raise OutOfRange("A pause must end after it begins.", path=("until",))
    if ends_at is not None and ends_at <= now:
        raise OutOfRange("This pause would be over already. Choose a later day.", path=("until",))
    row = Pause(
        profile_id=customer_id,
        customer_id=customer_id,
        channel=channel,
        topic=topic,
        begins_at=begins_at,
        ends_at=ends_at,
        created_at=now,
    )
    session.add(row)
    await session.flush()
    return row


async def lift_pauses(session: AsyncSession, *, customer_id: UUID, id: UUID | None = None, now: datetime) -> int:
    """End the pauses of a customer that are not over, or one of them; return how many."""
    query = select(Pause).where(
        col(Pause.customer_id) == customer_id,
        col(Pause.lifted_at).is_(None),
        or_(col(Pause.ends_at).is_(None), col(Pause.ends_at) > now),
    )
    rows = (await session.scalars(query if id is None else query.where(col(Pause.id) == id))).all()
    if id is not None and not rows:
        raise InvalidInput(f"There is no pause {id} that could be ended. It may be over.", path=("id",))
    for row in rows:
        row.lifted_at = now
    await session.flush()
    return len(rows)
