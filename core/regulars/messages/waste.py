"""Count the messages that were not sent, and what that has spared customer and company."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.errors import ConfigurationError
from regulars.messages.models import Message

__all__ = ["NotSent", "Waiting", "messages_not_sent", "read_prices", "waiting_messages"]

WAITING = ("pending", "deferred")


@dataclass(frozen=True)
class NotSent:
    """How many messages one rule stopped on one channel, for one campaign; ``spared`` is None without a price."""

    rule: str
    channel: str
    campaign: str | None
    messages: int
    spared: Decimal | None


@dataclass(frozen=True)
class Waiting:
    """How many messages wait, and since when the oldest does."""

    messages: int
    oldest: datetime | None


async def messages_not_sent(
    session: AsyncSession, *, since: datetime, until: datetime, prices: Mapping[str, Decimal]
) -> Sequence[NotSent]:
    """Return what was stopped in ``[since, until)`` by rule, channel and campaign, the largest number first.

    ``prices`` are what one message costs by channel. It is a saving, never a revenue.
    """
    group = (col(Message.rule), col(Message.channel), col(Message.campaign))
    query = (
        select(*group, func.count().label("messages"))
        .where(col(Message.state) == "suppressed", col(Message.ended_at) >= since, col(Message.ended_at) < until)
        .group_by(*group)
        .order_by(func.count().desc(), *group)
    )
    return [
        NotSent(
            row.rule,
            row.channel,
            row.campaign,
            row.messages,
            None if row.channel not in prices else prices[row.channel] * row.messages,
        )
        for row in await session.execute(query)
    ]


async def waiting_messages(session: AsyncSession) -> Waiting:
    """Return how many messages wait to be sent."""
    query = select(func.count().label("messages"), func.min(col(Message.created_at)).label("oldest"))
    row = (await session.execute(query.where(col(Message.state).in_(WAITING)))).one()
    return Waiting(row.messages, row.oldest)


def read_prices(words: Sequence[str]) -> Mapping[str, Decimal]:
    """Read ``email=0.001``; raises ``ConfigurationError`` for what is no price."""
    prices = {}
    for word in words:
        channel, equals, amount = word.partition("=")
        if not equals or not amount.replace(".", "", 1).isdigit():
            raise ConfigurationError(
                f"REGULARS_MESSAGE_PRICES has {word!r}, which is no price. Write email=0.001,sms=0.07."
            )
        prices[channel.strip()] = Decimal(amount)
    return prices
