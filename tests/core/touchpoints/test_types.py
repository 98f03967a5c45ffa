import pytest
from pydantic import BaseModel

from regulars.errors import UnknownValue
from regulars.owned_names import NameTaken
from regulars.touchpoints.types import TouchpointType, TouchpointTypes


class StampCollected(BaseModel):
    card: str


def test_the_core_knows_what_several_plugins_share_and_the_segment_protocol(types: TouchpointTypes) -> None:
    assert sorted(types.types) == [
        "acquisition",
        "case_opened",
        "case_solved",
        "complaint",
        "group",
        "marketing",
        "order",
        "page",
        "refund",
        "screen",
        "service",
        "subscription_ended",
        "subscription_renewed",
        "subscription_started",
        "survey_response",
        "track",
        "unsubscribe",
        "visit",
    ]


def test_a_mistyped_type_is_refused_with_the_nearest_name(types: TouchpointTypes) -> None:
    with pytest.raises(UnknownValue, match="Did you mean 'order'"):
        types.type_named("oder")


def test_a_mistyped_channel_is_refused_with_the_nearest_name(types: TouchpointTypes) -> None:
    with pytest.raises(UnknownValue, match="Did you mean 'email'"):
        types.channel_named("e-mail")


def test_a_plugin_adds_types_and_channels_and_leaves_the_first_set_as_it_was(types: TouchpointTypes) -> None:
    more = types.with_those_of(
        "loyalty", types=[TouchpointType("stamp_collected", StampCollected)], channels=["counter"]
    )

    assert more.type_named("stamp_collected").payload is StampCollected
    assert more.channel_named("counter") == "counter"
    assert more.owners["stamp_collected"] == "loyalty"
    assert "stamp_collected" not in types.types


def test_a_type_brought_twice_is_refused_naming_both_owners(types: TouchpointTypes) -> None:
    with pytest.raises(NameTaken, match="defined by core and by loyalty") as refusal:
        types.with_those_of("loyalty", types=[TouchpointType("order", StampCollected)])

    assert refusal.value.owners == ("core", "loyalty")


def test_a_channel_brought_twice_is_refused_naming_both_owners(types: TouchpointTypes) -> None:
    with pytest.raises(NameTaken, match="channel 'counter' is defined by loyalty and by tills"):
        types.with_those_of("loyalty", channels=["counter"]).with_those_of("tills", channels=["counter"])
