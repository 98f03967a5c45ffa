"""Rules about what customers prefer and what the law allows: channels, alerts, pauses, hours, caps."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col

from regulars import (
    TOUCHES,
    ZONES,
    ContactCap,
    ContactRule,
    Customer,
    Defer,
    Deny,
    Needs,
    RuleRequest,
    WallClockWindow,
    allowed_again,
    cap_stands_until,
    is_never,
    need_rows,
    need_value,
    quiet_until,
)
from regulars_preference_centre.legal import legal_caps, legal_hours, statutory_holidays
from regulars_preference_centre.models import AlertRequest, Cap, ChannelChoice, Choices, HoursConsent, Pause
from regulars_preference_centre.prefilters import (
    has_law,
    is_alert,
    is_off,
    is_paused,
    may_be_full,
    may_be_never,
    may_be_quiet,
)

__all__ = ["PREFERENCE_RULES"]

MARKETING = ("marketing", "research")
WITH_FOLLOWUP = ("followup", *MARKETING)

PAUSES = need_rows(
    {"channel": Pause.channel, "topic": Pause.topic, "begins_at": Pause.begins_at, "ends_at": Pause.ends_at},
    where=(col(Pause.customer_id) == Customer.id) & col(Pause.lifted_at).is_(None),
)
QUIET = need_rows(
    {"start": Choices.quiet_from, "end": Choices.quiet_to},
    where=(col(Choices.customer_id) == Customer.id) & col(Choices.quiet_from).is_not(None),
    read=lambda rows: tuple(WallClockWindow(row["start"], row["end"]) for row in rows),
)
CHANNELS_OFF = need_rows(
    {"channel": ChannelChoice.channel},
    where=(col(ChannelChoice.customer_id) == Customer.id) & ~col(ChannelChoice.is_on),
    read=lambda rows: frozenset(row["channel"] for row in rows),
)
ALERTS = need_rows(
    {"topic": AlertRequest.topic, "ends_at": AlertRequest.ends_at},
    where=(col(AlertRequest.customer_id) == Customer.id) & col(AlertRequest.cancelled_at).is_(None),
)
CAPS = need_rows(
    {"limit": Cap.most, "window_h": Cap.window_h, "channel": Cap.channel, "topic": Cap.topic},
    where=col(Cap.customer_id) == Customer.id,
    read=lambda rows: tuple(ContactCap(**row) for row in rows),
)
LIFTED_HOURS = need_rows(
    {"channel": HoursConsent.channel},
    where=col(HoursConsent.customer_id) == Customer.id,
    read=lambda rows: frozenset(row["channel"] for row in rows),
)
JURISDICTION = need_value(Customer.jurisdiction)


def _topic_not_requested(needs: Needs, request: RuleRequest, at: datetime) -> Deny | None:
    wanted = {alert["topic"] for alert in needs["alerts"] if alert["ends_at"] is None or at < alert["ends_at"]}
    if not request.requested_alert or request.topic in wanted:
        return None
    return Deny(f"The customer never asked to be told about {request.topic}.")


def _channel_off(needs: Needs, request: RuleRequest, _at: datetime) -> Deny | None:
    return Deny(f"The customer switched {request.channel} off.") if request.channel in needs["off"] else None


def _caps(needs: Needs, request: RuleRequest) -> Sequence[ContactCap]:
    """Return the caps that hold: what the customer asked to be told passes the house's, never the customer's own."""
    return needs["caps"] if request.requested_alert else (*request.policy.caps, *needs["caps"])


def _never(needs: Needs, request: RuleRequest, _at: datetime) -> Deny | None:
    if is_never(_caps(needs, request), channel=request.channel, topic=request.topic):
        return Deny("A cap of 0 says never.")
    return None


def _snoozed(needs: Needs, request: RuleRequest, at: datetime) -> Defer | None:
    holding = [
        pause
        for pause in needs["pauses"]
        if pause["begins_at"] <= at
        and (pause["ends_at"] is None or at < pause["ends_at"])
        and ContactCap(None, 1, pause["channel"], pause["topic"]).covers(request.channel, request.topic)
    ]
    if not holding:
        return None
    ends = [pause["ends_at"] for pause in holding if pause["ends_at"] is not None]
    if len(ends) < len(holding):
        return Defer("The customer paused contacts, without an end.", wake_on="pause.lifted")
    return Defer("The customer paused contacts.", until=max(ends))


def _legal_hours(needs: Needs, request: RuleRequest, at: datetime) -> Defer | None:
    hours = legal_hours(needs["jurisdiction"], request.channel)
    if hours is None or request.channel in needs["lifted"]:
        return None
    holidays = statutory_holidays(needs["jurisdiction"], at.year) | statutory_holidays(
        needs["jurisdiction"], at.year + 1
    )
    until = allowed_again(hours, holidays, needs["zones"].or_of(request.policy), at)
    return None if until is None else Defer("The law allows no such contact at this hour.", until=until)


def _quiet_hours(needs: Needs, request: RuleRequest, at: datetime) -> Defer | None:
    house = request.policy.quiet_hours.get(request.channel)
    windows = needs["quiet"] if house is None else (house, *needs["quiet"])
    until = quiet_until(windows, needs["zones"].or_of(request.policy), at)
    return None if until is None else Defer("It is quiet hours where the customer is.", until=until)


def _legal_caps(needs: Needs, request: RuleRequest) -> Sequence[ContactCap]:
    return legal_caps(needs["jurisdiction"], request.channel)


def _legal_frequency(needs: Needs, request: RuleRequest, at: datetime) -> Defer | None:
    caps = _legal_caps(needs, request)
    until = cap_stands_until(caps, needs["touches"], channel=request.channel, topic=request.topic, at=at)
    return None if until is None else Defer("The law allows no more contacts for now.", until=until)


def _frequency_cap(needs: Needs, request: RuleRequest, at: datetime) -> Defer | None:
    caps = _caps(needs, request)
    until = cap_stands_until(caps, needs["touches"], channel=request.channel, topic=request.topic, at=at)
    return None if until is None else Defer("The customer was contacted as often as is allowed.", until=until)


PREFERENCE_RULES = (
    ContactRule("topic_not_requested", _topic_not_requested, {"alerts": ALERTS}, MARKETING, 22, prefilter=is_alert),
    ContactRule("channel_off", _channel_off, {"off": CHANNELS_OFF}, WITH_FOLLOWUP, 23, prefilter=is_off, denies=is_off),
    ContactRule("frequency_zero", _never, {"caps": CAPS}, MARKETING, 25, prefilter=may_be_never),
    ContactRule("snoozed", _snoozed, {"pauses": PAUSES}, MARKETING, 31, prefilter=is_paused),
    ContactRule(
        "legal_hours",
        _legal_hours,
        {"jurisdiction": JURISDICTION, "zones": ZONES, "lifted": LIFTED_HOURS},
        MARKETING,
        32,
        prefilter=has_law,
    ),
    ContactRule(
        "quiet_hours", _quiet_hours, {"zones": ZONES, "quiet": QUIET}, WITH_FOLLOWUP, 33, prefilter=may_be_quiet
    ),
    ContactRule(
        "legal_frequency",
        _legal_frequency,
        {"jurisdiction": JURISDICTION, "touches": TOUCHES},
        MARKETING,
        34,
        caps=_legal_caps,
        prefilter=has_law,
    ),
    ContactRule(
        "frequency_cap",
        _frequency_cap,
        {"caps": CAPS, "touches": TOUCHES},
        MARKETING,
        35,
        caps=_caps,
        prefilter=may_be_full,
    ),
)
