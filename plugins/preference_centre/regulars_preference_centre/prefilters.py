"""Whom the rules might stop at all, as SQL: an audience of a million asks a rule about those alone."""

from datetime import timedelta
from zoneinfo import available_timezones

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, true
from sqlmodel import col

from regulars import NOW, ContactTouch, Customer, RuleRequest, is_never, quiet_until
from regulars_preference_centre.legal import countries_with_law
from regulars_preference_centre.models import Cap, ChannelChoice, Choices, Pause

__all__ = ["has_law", "is_alert", "is_off", "is_paused", "may_be_full", "may_be_never", "may_be_quiet"]


def is_alert(request: RuleRequest) -> ColumnElement[bool]:
    """Tell that only what somebody asked to be told needs somebody who asked."""
    return true() if request.requested_alert else false()


def is_off(request: RuleRequest) -> ColumnElement[bool]:
    """Tell who switched the channel off."""
    return _has(ChannelChoice, col(ChannelChoice.channel) == request.channel, ~col(ChannelChoice.is_on))


def may_be_never(request: RuleRequest) -> ColumnElement[bool]:
    """Tell who has a cap of 0; all of them where the house has one."""
    is_house = is_never(request.policy.caps, channel=request.channel, topic=request.topic)
    return true() if is_house else _has(Cap, col(Cap.most) == 0)


def is_paused(_request: RuleRequest) -> ColumnElement[bool]:
    """Tell who has a pause that holds now."""
    holds = or_(col(Pause.ends_at).is_(None), col(Pause.ends_at) > NOW)
    return _has(Pause, col(Pause.lifted_at).is_(None), col(Pause.begins_at) <= NOW, holds)


def has_law(request: RuleRequest) -> ColumnElement[bool]:
    """Tell who lives where a law of the table says something about the channel."""
    countries = countries_with_law(request.channel)
    return or_(false(), *(col(Customer.jurisdiction).startswith(country) for country in countries))


def may_be_quiet(request: RuleRequest) -> ColumnElement[bool]:
    """Tell who has quiet hours of their own, or lives where the house's hold now, or nobody knows where."""
    own = _has(Choices, col(Choices.quiet_from).is_not(None))
    house = request.policy.quiet_hours.get(request.channel)
    if house is None:
        return own
    quiet = [zone for zone in sorted(available_timezones()) if quiet_until([house], [zone], request.now)]
    return or_(own, col(Customer.time_zone).is_(None), col(Customer.time_zone).in_(quiet))


def may_be_full(request: RuleRequest) -> ColumnElement[bool]:
    """Tell who was contacted as often as a cap of the house allows, and who has caps of their own and was contacted."""
    own = and_(_has(Cap), _has(ContactTouch))
    if request.requested_alert:
        return own
    caps = [cap for cap in request.policy.caps if cap.limit and cap.covers(request.channel, request.topic)]
    return or_(own, *(_touches_within(cap.window_h, request) >= cap.limit for cap in caps))


def _touches_within(hours: int, request: RuleRequest) -> ColumnElement[int]:
    of_them = col(ContactTouch.customer_id) == Customer.id
    recent = col(ContactTouch.at) > request.now - timedelta(hours=hours)
    counting: ColumnElement[int] = select(func.count()).where(of_them, recent).correlate(Customer).scalar_subquery()
    return counting


def _has(
    table: type[Pause | Choices | ChannelChoice | Cap | ContactTouch], *conditions: ColumnElement[bool]
) -> ColumnElement[bool]:
    return exists().where(col(table.customer_id) == Customer.id, *conditions).correlate(Customer)
