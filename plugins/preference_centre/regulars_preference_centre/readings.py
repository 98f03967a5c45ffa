"""Read what customers chose and told, of one or of many at once."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars_preference_centre.choices import ANY, CapChoice, narrowest, quiet_hours_in
from regulars_preference_centre.models import (
    AlertRequest,
    Answer,
    Cap,
    ChannelChoice,
    Choices,
    HoursConsent,
    Pause,
    Question,
)
from regulars_preference_centre.times import QuietHours

__all__ = ["Preferences", "Told", "read_preferences"]

Row = TypeVar("Row", AlertRequest, Cap, ChannelChoice, Choices, HoursConsent, Pause)


@dataclass(frozen=True)
class Told:
    """An answer, and the question that it answers."""

    answer: Answer
    question: Question


@dataclass(frozen=True)
class Preferences:
    """What one customer chose and told; ``version`` 0 is somebody who never chose anything.

    After a merge there may be two rows for one choice: then both are here, and the narrower counts.
    """

    version: int = 0
    changed_at: datetime | None = None
    quiet_hours: QuietHours = None
    channels: Sequence[ChannelChoice] = ()
    caps: Sequence[Cap] = ()
    pauses: Sequence[Pause] = ()
    lifted_hours: Sequence[HoursConsent] = ()
    alerts: Sequence[AlertRequest] = ()
    told: Sequence[Told] = ()

    def is_on(self, channel: str) -> bool:
        """Tell whether nothing was said against a channel; it needs consent all the same."""
        return all(row.is_on for row in self.channels if row.channel == channel)

    def cap_of(self, topic: str) -> CapChoice:
        """Return how often a topic may come on any channel."""
        rows = [row for row in self.caps if row.channel == ANY and row.topic == topic]
        return narrowest([CapChoice(row.most, row.window_h) for row in rows])


async def read_preferences(
    session: AsyncSession, *, customer_ids: Collection[UUID], now: datetime
) -> Mapping[UUID, Preferences]:
    """Return what each of these customers chose, in eight statements for all of them.

    Pauses that are over, wishes that were cancelled and questions that are asked no longer are left out.
    """

    async def rows(model: type[Row], *conditions: ColumnElement[bool]) -> Mapping[UUID, Sequence[Row]]:
        found: defaultdict[UUID, list[Row]] = defaultdict(list)
        query = select(model).where(col(model.customer_id).in_(customer_ids), *conditions)
        for row in await session.scalars(query.order_by(*model.__table__.primary_key)):  # type: ignore[attr-defined]
            found[row.customer_id].append(row)
        return found

    holds = or_(col(Pause.ends_at).is_(None), col(Pause.ends_at) > now)
    waits = or_(col(AlertRequest.ends_at).is_(None), col(AlertRequest.ends_at) > now)
    choices = await rows(Choices)
    channels, caps, lifted = await rows(ChannelChoice), await rows(Cap), await rows(HoursConsent)
    pauses = await rows(Pause, col(Pause.lifted_at).is_(None), holds)
    alerts = await rows(AlertRequest, col(AlertRequest.cancelled_at).is_(None), waits)
    told = await _told(session, customer_ids)
    return {
        id: Preferences(
            version=next((row.version for row in choices.get(id, ()) if row.profile_id == id), 0),
            changed_at=max((row.updated_at for row in choices.get(id, ())), default=None),
            quiet_hours=next((hours for row in choices.get(id, ()) if (hours := quiet_hours_in(row))), None),
            channels=channels.get(id, ()),
            caps=caps.get(id, ()),
            pauses=pauses.get(id, ()),
            lifted_hours=lifted.get(id, ()),
            alerts=alerts.get(id, ()),
            told=told.get(id, ()),
        )
        for id in customer_ids
    }


async def _told(session: AsyncSession, customer_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Told]]:
    query = (
        select(Answer, Question)
        .join(Question, col(Question.key) == col(Answer.key))
        .where(col(Answer.customer_id).in_(customer_ids), col(Question.retired_at).is_(None))
        .order_by(col(Question.kind), col(Question.position), col(Answer.key), col(Answer.profile_id))
    )
    found: defaultdict[UUID, list[Told]] = defaultdict(list)
    for answer, question in await session.execute(query):
        found[answer.customer_id].append(Told(answer, question))
    return found
