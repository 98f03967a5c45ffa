"""The types of touchpoints and the channels that this installation knows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel

from regulars.consents.registry import CORE_CHANNELS
from regulars.errors import UnknownValue
from regulars.owned_names import OwnedNames, add_owned_names
from regulars.touchpoints import payloads

__all__ = ["AmountSign", "TouchpointType", "TouchpointTypes", "core_touchpoint_types"]

AmountSign = Literal["not_negative", "negative"]


@dataclass(frozen=True)
class TouchpointType:
    """One type of touchpoint: what its payload looks like, and on which side of zero its amount lies.

    A ``negative`` amount must be given; one that is ``not_negative`` may be missing.
    """

    name: str
    payload: type[BaseModel]
    amount: AmountSign = "not_negative"


@dataclass(frozen=True)
class TouchpointTypes:
    """All types and channels of this installation, each with its owner."""

    types: Mapping[str, TouchpointType]
    owners: OwnedNames
    channels: OwnedNames

    def type_named(self, name: str) -> TouchpointType:
        """Return the type; raise ``UnknownValue`` with the nearest name."""
        if name not in self.types:
            raise UnknownValue("type of touchpoint", name, self.types, path=("type",))
        return self.types[name]

    def channel_named(self, name: str) -> str:
        """Return the channel; raise ``UnknownValue`` with the nearest name."""
        if name not in self.channels:
            raise UnknownValue("channel", name, self.channels, path=("channel",))
        return name

    def with_those_of(
        self, owner: str, *, types: Iterable[TouchpointType] = (), channels: Iterable[str] = ()
    ) -> "TouchpointTypes":
        """Return these and the ``owner``'s; raise ``NameTaken`` naming both owners of a double."""
        added = {type.name: type for type in types}
        return TouchpointTypes(
            types=MappingProxyType({**self.types, **added}),
            owners=add_owned_names("type of touchpoint", self.owners, added, owner=owner),
            channels=add_owned_names("channel", self.channels, channels, owner=owner),
        )


def core_touchpoint_types() -> TouchpointTypes:
    """Return the types and channels that are there without any plugin."""
    empty: Mapping[str, str] = MappingProxyType({})
    return TouchpointTypes(types=MappingProxyType({}), owners=empty, channels=empty).with_those_of(
        "core", types=_CORE_TYPES, channels=(*CORE_CHANNELS, "app")
    )


_CORE_TYPES = (
    TouchpointType("order", payloads.Order),
    TouchpointType("refund", payloads.Refund, amount="negative"),
    TouchpointType("visit", payloads.Visit),
    TouchpointType("service", payloads.Service),
    TouchpointType("marketing", payloads.Marketing),
    TouchpointType("acquisition", payloads.Acquisition),
    TouchpointType("case_opened", payloads.Case),
    TouchpointType("case_solved", payloads.CaseSolved),
    TouchpointType("complaint", payloads.Complaint),
    TouchpointType("unsubscribe", payloads.Unsubscribe),
    TouchpointType("survey_response", payloads.SurveyResponse),
    TouchpointType("subscription_started", payloads.Subscription),
    TouchpointType("subscription_renewed", payloads.Subscription),
    TouchpointType("subscription_ended", payloads.SubscriptionEnded),
    # Of the Segment protocol.
    TouchpointType("page", payloads.Page),
    TouchpointType("screen", payloads.Screen),
    TouchpointType("track", payloads.Track),
    TouchpointType("group", payloads.Group),
)
