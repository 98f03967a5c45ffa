"""What the tests of the preference centre share: a customer who chose something of every kind."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from regulars import PluginManifest
from regulars.testing.app import App
from regulars_preference_centre.answers import define_question, keep_answers
from regulars_preference_centre.choices import (
    CapChoice,
    add_pause,
    choices_of,
    keep_caps,
    keep_channels,
    keep_quiet_hours,
)
from regulars_preference_centre.manifest import manifest
from regulars_preference_centre.wishes import request_alert

__all__ = ["choose_everything", "plugins"]


@pytest.fixture
def plugins() -> Sequence[PluginManifest]:
    """Give the plugin to every test here."""
    return (manifest,)


async def choose_everything(app: App, session: AsyncSession, customer_id: UUID) -> None:
    """Choose something of every kind for a customer."""
    now = app.clock.now()
    await define_question(
        session,
        key="delivery",
        kind="roadblock",
        titles={"en": "Delivery costs too much"},
        options={},
        topic=None,
        position=0,
    )
    await choices_of(session, customer_id=customer_id, now=now)
    await session.flush()
    await keep_quiet_hours(session, customer_id=customer_id, seen=None, wanted=("20:30", "09:00"), now=now)
    await keep_channels(session, customer_id=customer_id, seen={}, wanted={"sms": False}, now=now)
    await keep_caps(session, customer_id=customer_id, seen={}, wanted={"arrivals": CapChoice(1, 168)}, now=now)
    await add_pause(
        session, customer_id=customer_id, begins_at=now, ends_at=now + timedelta(days=7), topic="arrivals", now=now
    )
    await request_alert(session, customer_id=customer_id, words="the red is back", now=now)
    await keep_answers(session, customer_id=customer_id, answers={"delivery": "yes"}, may_be_used=False, now=now)
