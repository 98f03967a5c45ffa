"""What a consent is about: a purpose, a channel and a topic, each of which may be `*` or lie below another."""

from dataclasses import dataclass

__all__ = ["EVERYTHING", "Scope"]


@dataclass(frozen=True)
class Scope:
    """A purpose, a channel and a topic. ``*`` means all; ``books`` includes ``books.tartt``, never the reverse."""

    purpose: str
    channel: str
    topic: str = "*"

    def covers(self, other: "Scope") -> bool:
        """Tell whether ``other`` lies inside this scope in all three parts."""
        return (
            _covers(self.purpose, other.purpose)
            and _covers(self.channel, other.channel)
            and _covers(self.topic, other.topic)
        )

    def shared_with(self, other: "Scope") -> "Scope | None":
        """Return what lies in both scopes; None where nothing does."""
        parts = [
            _shared(mine, theirs)
            for mine, theirs in (
                (self.purpose, other.purpose),
                (self.channel, other.channel),
                (self.topic, other.topic),
            )
        ]
        purpose, channel, topic = parts
        return None if purpose is None or channel is None or topic is None else Scope(purpose, channel, topic)

    def __str__(self) -> str:
        purpose = "everything" if self.purpose == "*" else self.purpose
        channel = "by any channel" if self.channel == "*" else f"by {self.channel}"
        return f"{purpose} {channel}" if self.topic == "*" else f"{purpose} {channel} about {self.topic}"


EVERYTHING = Scope("*", "*", "*")
"""All purposes, channels and topics."""


def _shared(one: str, other: str) -> str | None:
    return other if _covers(one, other) else one if _covers(other, one) else None


def _covers(wide: str, narrow: str) -> bool:
    return wide in ("*", narrow) or narrow.startswith(f"{wide}.")
