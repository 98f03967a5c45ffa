"""The purposes and channels for which this installation asks consent."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from regulars.errors import InvalidInput, UnknownValue
from regulars.owned_names import OwnedNames, add_owned_names

__all__ = ["CORE_CHANNELS", "CORE_PURPOSES", "ConsentRegistry", "core_consent_registry"]

CORE_PURPOSES = ("marketing.own", "research", "social_signals", "profiling", "sharing")
CORE_CHANNELS = ("email", "sms", "voice", "push", "post", "whatsapp", "web", "in_person")

DOTTED = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*")
LONGEST_NAME = 100


@dataclass(frozen=True)
class ConsentRegistry:
    """All purposes and channels of this installation, each with its owner.

    Beside the purposes themselves all that lies below one (``research.nps``) or above one (``marketing``) is known, and
    ``*``, which means all.
    """

    purposes: OwnedNames
    channels: OwnedNames

    def check_purpose(self, purpose: str) -> str:
        """Return the purpose; raise ``UnknownValue`` with the nearest name."""
        known = any(
            purpose == name or _lies_below(purpose, name) or _lies_below(name, purpose) for name in self.purposes
        )
        if purpose != "*" and not (known and DOTTED.fullmatch(purpose) and len(purpose) <= LONGEST_NAME):
            raise UnknownValue("purpose", purpose, self.purposes, path=("purpose",))
        return purpose

    def check_channel(self, channel: str) -> str:
        """Return the channel; raise ``UnknownValue`` with the nearest name."""
        if channel != "*" and channel not in self.channels:
            raise UnknownValue("channel", channel, self.channels, path=("channel",))
        return channel

    def check_topic(self, topic: str) -> str:
        """Return the topic, an open set of dotted names; raise ``InvalidInput`` for another form."""
        if topic != "*" and not (DOTTED.fullmatch(topic) and len(topic) <= LONGEST_NAME):
            raise InvalidInput(
                f"{topic!r} is no topic. Write * for all, or lower-case words joined by dots: books.tartt.",
                path=("topic",),
            )
        return topic

    def with_those_of(
        self, owner: str, *, purposes: Iterable[str] = (), channels: Iterable[str] = ()
    ) -> "ConsentRegistry":
        """Return these and the ``owner``'s; raise ``NameTaken`` naming both owners of a double."""
        return ConsentRegistry(
            purposes=add_owned_names("purpose", self.purposes, purposes, owner=owner),
            channels=add_owned_names("channel", self.channels, channels, owner=owner),
        )


def core_consent_registry() -> ConsentRegistry:
    """Return the purposes and channels that are there without any plugin."""
    empty: Mapping[str, str] = MappingProxyType({})
    return ConsentRegistry(purposes=empty, channels=empty).with_those_of(
        "core", purposes=CORE_PURPOSES, channels=CORE_CHANNELS
    )


def _lies_below(name: str, parent: str) -> bool:
    return name.startswith(f"{parent}.")
