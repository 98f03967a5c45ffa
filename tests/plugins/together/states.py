"""The part of a case's state that plugins keep: the preference centre's tables, and those of cases and holdouts."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from tests.core.contact.case_file import LONG_AGO, moment

from regulars import Table, new_id
from regulars_cases_and_holdouts.models import Holdout, ServiceCase
from regulars_preference_centre.models import AlertRequest, Cap, ChannelChoice, Choices, HoursConsent, Pause

__all__ = ["rows_of_plugins"]


def rows_of_plugins(customer_id: UUID, state: Mapping[str, Any]) -> Iterator[Table]:
    """Yield the rows of a state about a customer, as the plugins' own services would write them."""
    whose: dict[str, Any] = {"customer_id": customer_id, "profile_id": customer_id}
    yield from _choices(customer_id, state)
    for pause in state.get("snoozes", ()):
        yield Pause(
            channel=pause.get("channel") or "*",
            topic=pause.get("topic") or "*",
            begins_at=moment(pause["from"]),
            ends_at=moment(pause["to"]) if pause.get("to") else None,
            created_at=LONG_AGO,
            **whose,
        )
    for topic in state.get("requested_topics", ()):
        yield AlertRequest(topic=topic, words=f"anything about {topic}", created_at=LONG_AGO, **whose)
    for experiment in state.get("holdouts", ()):
        yield Holdout(experiment=experiment, **whose)
    for case in state.get("cases", ()):
        times: dict[str, Any] = {name: moment(value) for name, value in case.items() if name.endswith("_at") and value}
        yield ServiceCase(case_id=case["id"], answer=case.get("answer"), **times, **whose)


def _choices(customer_id: UUID, state: Mapping[str, Any]) -> Iterator[Table]:
    for number, window in enumerate(state.get("quiet", ())):
        # A second window is what a merge leaves: each profile has one.
        profile_id = new_id() if number else customer_id
        yield Choices(
            customer_id=customer_id,
            profile_id=profile_id,
            quiet_from=window["start"],
            quiet_to=window["end"],
            updated_at=LONG_AGO,
        )
    whose: dict[str, Any] = {"customer_id": customer_id, "profile_id": customer_id}
    for channel, choice in state.get("channels", {}).items():
        yield ChannelChoice(channel=channel, is_on=choice != "off", changed_at=LONG_AGO, **whose)
    for cap in state.get("customer_caps", ()):
        yield Cap(
            most=cap["limit"],
            window_h=cap["window_h"],
            channel=cap.get("channel") or "*",
            topic=cap.get("topic") or "*",
            changed_at=LONG_AGO,
            **whose,
        )
    for channel in state.get("hours_consent", ()):
        yield HoursConsent(channel=channel, given_at=LONG_AGO, **whose)
