"""Staff see and change what customers choose, in the API."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from tests.plugins.preference_centre.conftest import choose_everything

from regulars.testing.app import App
from regulars_preference_centre.models import OWNED

UPDATE = """mutation ($input: PreferencesUpdateInput!) {
  preferencesUpdate(input: $input) {
    preferences {
      version quietHours { begin end } channels { channel isOn } levels { topic level most windowH }
      answers { key value kind source mayBeUsed }
    }
    errors { code path }
  }
}"""
SEE = """query ($id: ID!) { customer(id: $id) { preferences {
  version quietHours { begin end } channels { channel isOn changedAt } levels { topic channel level most windowH }
  pauses { id channel topic beginsAt endsAt } alerts { words topic endsAt }
  answers { key questionKind value kind source toldAt }
} } }"""
PAUSE = """mutation ($input: PauseCreateInput!) {
  pauseCreate(input: $input) { pause { id topic endsAt } errors { code path } }
}"""
LIFT = "mutation ($input: PauseLiftInput!) { pauseLift(input: $input) { lifted errors { code path } } }"
WISH = """mutation ($input: AlertRequestInput!) {
  alertRequest(input: $input) { alertRequest { id words topic } errors { code path } }
}"""
CANCEL = """mutation ($input: AlertCancelInput!) {
  alertCancel(input: $input) { alertRequest { cancelledAt } errors { code path } }
}"""
STREAM = """mutation ($input: StreamDefineInput!) {
  streamDefine(input: $input) { stream { topic position words { language title } } errors { code path } }
}"""
QUESTION = """mutation ($input: QuestionDefineInput!) {
  questionDefine(input: $input) { question { key kind options { value } } errors { code path } }
}"""
ARRIVALS: Mapping[str, Any] = {
    "topic": "arrivals",
    "channels": ["email"],
    "words": [{"language": "en", "title": "New arrivals", "description": "What came in."}],
}


async def changed(app: App, customer_id: UUID, **change: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await app.gql(UPDATE, {"input": {"customerId": str(customer_id), **change}}))[
        "preferencesUpdate"
    ]
    return payload


async def kept(app: App) -> list[int]:
    async with app.database.reading() as session:
        return [await session.scalar(select(func.count()).select_from(table)) or 0 for table in OWNED]


async def test_all_that_a_customer_chose_is_seen_with_its_provenance(app: App) -> None:
    anna = await app.add_customer("Anna")
    async with app.database.writing() as session:
        await choose_everything(app, session, anna)

    told = (await app.gql(SEE, {"id": str(anna)}))["customer"]["preferences"]

    assert (told["version"], told["quietHours"]) == (1, {"begin": "20:30", "end": "09:00"})
    assert [one["channel"] for one in told["channels"] if not one["isOn"]] == ["sms"]
    assert told["levels"] == [{"topic": "arrivals", "channel": "*", "level": "weekly", "most": 1, "windowH": 168}]
    assert [pause["topic"] for pause in told["pauses"]] == ["arrivals"]
    assert [wish["words"] for wish in told["alerts"]] == ["the red is back"]
    assert [(one["key"], one["questionKind"], one["kind"], one["source"]) for one in told["answers"]] == [
        ("delivery", "roadblock", "declared", "page")
    ]


async def test_somebody_who_never_chose_anything_is_shown_with_every_channel_on(app: App) -> None:
    told = (await app.gql(SEE, {"id": str(await app.add_customer("Ben"))}))["customer"]["preferences"]

    assert (told["version"], told["levels"], told["quietHours"]) == (0, [], None)
    assert {(one["isOn"], one["changedAt"]) for one in told["channels"]} == {(True, None)}


async def test_staff_write_down_what_a_customer_says_and_leave_the_rest(app: App) -> None:
    anna = await app.add_customer("Anna")
    await app.gql(
        QUESTION,
        {"input": {"key": "reads", "kind": "fact", "words": [{"language": "en", "title": "What do you read?"}]}},
    )

    first = await changed(
        app,
        anna,
        channels=[{"channel": "sms", "isOn": False}],
        levels=[{"topic": "arrivals", "level": "weekly"}],
        quietHours={"begin": "21:00", "end": "07:30"},
        answers=[{"key": "reads", "value": "novels"}],
    )
    second = await changed(
        app, anna, expectedVersion=1, levels=[{"topic": "arrivals", "most": 2, "windowH": 48}], quietHours=None
    )

    assert (first["errors"], second["errors"]) == ([], [])
    assert first["preferences"]["answers"] == [
        {"key": "reads", "value": "novels", "kind": "declared", "source": app.actor("admin").label, "mayBeUsed": False}
    ]
    assert second["preferences"]["version"] == 2
    assert second["preferences"]["quietHours"] is None
    assert second["preferences"]["levels"] == [{"topic": "arrivals", "level": None, "most": 2, "windowH": 48}]
    assert [one["channel"] for one in second["preferences"]["channels"] if not one["isOn"]] == ["sms"]
    told = [event.data for event in await app.events("preferences.changed")]
    assert told == [{"changed": ["channels", "levels", "answers", "quietHours"]}, {"changed": ["levels", "quietHours"]}]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"channels": [{"channel": "smoke", "isOn": False}]}, "UNKNOWN_VALUE"),
        ({"levels": [{"topic": "arrivals", "level": "often"}]}, "UNKNOWN_VALUE"),
        ({"levels": [{"topic": "arrivals", "most": -1, "windowH": 24}]}, "OUT_OF_RANGE"),
        ({"levels": [{"topic": "arrivals", "most": 1, "windowH": 0}]}, "OUT_OF_RANGE"),
        ({"levels": [{"topic": "Arrivals!", "level": "none"}]}, "INVALID"),
        ({"quietHours": {"begin": "25:00", "end": "08:00"}}, "INVALID_TIME"),
        ({"quietHours": {"begin": "21:00", "end": ""}}, "INVALID_TIME"),
        ({"answers": [{"key": "unasked", "value": "yes"}]}, "UNKNOWN_VALUE"),
        ({"expectedVersion": 7}, "CONFLICT"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_written(app: App, change: Mapping[str, Any], code: str) -> None:
    anna = await app.add_customer("Anna")

    refused = await changed(app, anna, **{"channels": [{"channel": "email", "isOn": False}], **change})

    assert [error["code"] for error in refused["errors"]] == [code]
    assert refused["preferences"] is None
    assert await kept(app) == [0] * len(OWNED)


async def test_a_pause_is_made_and_lifted_and_both_are_told(app: App) -> None:
    anna = str(await app.add_customer("Anna"))
    until = (app.clock.now() + timedelta(days=7)).isoformat()

    paused = (await app.gql(PAUSE, {"input": {"customerId": anna, "endsAt": until, "topic": "arrivals"}}))[
        "pauseCreate"
    ]
    lifted = (await app.gql(LIFT, {"input": {"customerId": anna, "id": paused["pause"]["id"]}}))["pauseLift"]
    again = (await app.gql(LIFT, {"input": {"customerId": anna, "id": paused["pause"]["id"]}}))["pauseLift"]

    assert (paused["errors"], paused["pause"]["topic"], lifted) == ([], "arrivals", {"lifted": 1, "errors": []})
    assert [error["code"] for error in again["errors"]] == ["INVALID"]
    assert [len(await app.events(type)) for type in ("pause.created", "pause.lifted")] == [1, 1]


async def test_a_pause_that_ends_before_it_begins_is_refused(app: App) -> None:
    now = app.clock.now()
    backwards = {"beginsAt": (now + timedelta(days=2)).isoformat(), "endsAt": (now + timedelta(days=1)).isoformat()}

    asked = {"input": {"customerId": str(await app.add_customer("Anna")), **backwards}}
    refused = (await app.gql(PAUSE, asked))["pauseCreate"]

    assert ([error["code"] for error in refused["errors"]], refused["pause"]) == (["OUT_OF_RANGE"], None)
    assert await kept(app) == [0] * len(OWNED)


async def test_a_wish_is_kept_and_cancelled(app: App) -> None:
    anna = str(await app.add_customer("Anna"))

    made = (await app.gql(WISH, {"input": {"customerId": anna, "words": "the  red"}}))["alertRequest"]
    gone = (await app.gql(CANCEL, {"input": {"customerId": anna, "id": made["alertRequest"]["id"]}}))["alertCancel"]
    other = {"customerId": str(await app.add_customer("Ben")), "id": made["alertRequest"]["id"]}
    refused = (await app.gql(CANCEL, {"input": other}))["alertCancel"]

    assert (made["errors"], made["alertRequest"]["words"]) == ([], "the red")
    assert gone["alertRequest"]["cancelledAt"] is not None
    assert [error["code"] for error in refused["errors"]] == ["NOT_FOUND"]


async def test_a_merged_customer_s_choices_are_those_of_the_survivor(app: App) -> None:
    anna, ann = await app.add_customer("Anna"), await app.add_customer("Ann")
    await app.merge(survivor=anna, merged=ann)

    await changed(app, ann, channels=[{"channel": "sms", "isOn": False}])

    told = (await app.gql(SEE, {"id": str(anna)}))["customer"]["preferences"]
    assert [one["channel"] for one in told["channels"] if not one["isOn"]] == ["sms"]


async def test_a_stream_is_defined_said_otherwise_and_retired(app: App) -> None:
    await app.gql(STREAM, {"input": ARRIVALS})
    words = [{"language": "de", "title": "Neuheiten"}, {"language": "en", "title": "Arrivals"}]
    said = (await app.gql(STREAM, {"input": {**ARRIVALS, "words": words, "position": 3}}))["streamDefine"]
    await app.gql('mutation { streamRetire(input: {topic: "arrivals"}) { errors { code } } }')

    listed = (await app.gql("{ streams { nodes { topic position retiredAt words { language title } } } }"))["streams"]
    assert said["stream"]["position"] == 3
    assert [(one["topic"], one["words"]) for one in listed["nodes"]] == [("arrivals", words)]
    assert listed["nodes"][0]["retiredAt"] is not None
    types = [event.type for event in await app.events() if event.type.startswith("stream.")]
    assert types == ["stream.defined", "stream.defined", "stream.retired"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"topic": "New Arrivals"}, "INVALID"),
        ({"purpose": "world.domination"}, "UNKNOWN_VALUE"),
        ({"channels": ["smoke"]}, "UNKNOWN_VALUE"),
        ({"channels": []}, "INVALID"),
        ({"words": []}, "INVALID"),
    ],
)
async def test_a_stream_that_cannot_be_is_refused(app: App, change: Mapping[str, Any], code: str) -> None:
    refused = (await app.gql(STREAM, {"input": {**ARRIVALS, **change}}))["streamDefine"]

    assert ([error["code"] for error in refused["errors"]], refused["stream"]) == ([code], None)
    assert (await app.gql("{ streams { totalCount } }"))["streams"] == {"totalCount": 0}


@pytest.mark.parametrize("role", ["analyst", "anonymous", "customer:00000000-0000-0000-0000-000000000007"])
async def test_who_may_only_look_changes_nothing(app: App, role: str) -> None:
    anna = await app.add_customer("Anna")
    asked = {"customerId": str(anna), "channels": [{"channel": "sms", "isOn": False}]}

    answer = await app.ask(UPDATE, {"input": asked}, as_=role)

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert await kept(app) == [0] * len(OWNED)
