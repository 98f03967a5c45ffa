"""Whom the rules might stop at all, as SQL: an audience of a million asks a rule about those alone."""

from zoneinfo import available_timezones

from sqlalchemy import ColumnElement, exists, false, or_, true
from sqlmodel import col

from regulars import NOW, ContactTouch, Customer, RuleRequest, is_never, quiet_until
from regulars_preference_centre.models import Cap, ChannelChoice, Choices, Pause

__all__ = ["has_law", "is_alert", "is_off", "is_paused", "may_be_never", "may_be_quiet", "was_touched"]

COUNTRIES_WITH_RULES = ("US", "FR")


def is_alert(request: RuleRequest) -> ColumnElement[bool]:
    """Tell that only what somebody asked to be told needs somebody who asked."""
    return true() if request.requested_alert else false()


def is_off(request: RuleRequest) -> ColumnElement[bool]:
    """Tell who said something of the channel."""
    return _has(ChannelChoice, col(ChannelChoice.channel) == request.channel)


def may_be_never(request: RuleRequest) -> ColumnElement[bool]:
    """Tell who has a cap of 0; all of them where the house has one."""
    is_house = is_never(request.policy.caps, channel=request.channel, topic=request.topic)
    return true() if is_house else _has(Cap, col(Cap.most) == 0)


def is_paused(_request: RuleRequest) -> ColumnElement[bool]:
    """Tell who has a pause that holds now."""
    holds = or_(col(Pause.ends_at).is_(None), col(Pause.ends_at) > NOW)
    return _has(Pause, col(Pause.lifted_at).is_(None), col(Pause.begins_at) <= NOW, holds)


def has_law(_request: RuleRequest) -> ColumnElement[bool]:
    """Tell who lives where a law of the table holds."""
    return or_(*(col(Customer.jurisdiction).startswith(country) for country in COUNTRIES_WITH_RULES))


def may_be_quiet(request: RuleRequest) -> ColumnElement[bool]:
    """Tell who has quiet hours of their own, or lives where the house's hold now, or nobody knows where."""
    own = _has(Choices, col(Choices.quiet_from).is_not(None))
    house = request.policy.quiet_hours.get(request.channel)
    if house is None:
        return own
    quiet = [zone for zone in sorted(available_timezones()) if quiet_until([house], [zone], request.now)]
    return or_(own, col(Customer.time_zone).is_(None), col(Customer.time_zone).in_(quiet))


def was_touched(_request: RuleRequest) -> ColumnElement[bool]:
    """Tell who was ever contacted: nobody else can have been contacted often enough."""
    return _has(ContactTouch)


def _has(
    table: type[Pause | Choices | ChannelChoice | Cap | ContactTouch], *conditions: ColumnElement[bool]
) -> ColumnElement[bool]:
    return exists().where(col(table.customer_id) == Customer.id, *conditions).correlate(Customer)
