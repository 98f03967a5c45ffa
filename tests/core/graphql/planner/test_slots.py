"""Slots in the JSON of a statement."""

import orjson
import pytest

from regulars.graphql.planner.slots import Slots

MARK = "5ec7e7"


def slot(batch: int, held: str) -> str:
    """Return a slot as a statement writes it."""
    return f'["{MARK}",{batch},{held},"{MARK}"]'


def test_answers_stand_where_slots_were() -> None:
    json = f'{{"a":{slot(0, "{}")},"b":[{slot(1, "{}")},{slot(0, "{}")}]}}'
    slots = Slots(json.encode(), MARK)

    slots.fill(slots.of(0), [0, 1])
    slots.fill(slots.of(1), [{"is": "ü"}])

    assert orjson.loads(slots.filled()) == {"a": 0, "b": [{"is": "ü"}, 1]}


def test_a_slot_holds_what_its_field_requires() -> None:
    held = '{"name":"],[\\"}","id":7}'

    slots = Slots(f'{{"a":{slot(0, held)}}}'.encode(), MARK)

    assert slots.held(slots.of(0)) == [{"name": '],["}', "id": 7}]


@pytest.mark.parametrize("json", ["{}", "[]", f'{{"a":"[\\"{MARK}\\",0,{{}},\\"{MARK}\\"]"}}'])
def test_what_only_looks_like_a_slot_is_left_alone(json: str) -> None:
    assert Slots(json.encode(), MARK).filled() == json.encode()


def test_a_slot_without_an_answer_is_null() -> None:
    assert Slots(f'{{"a":{slot(0, "{}")}}}'.encode(), MARK).filled() == b'{"a":null}'
