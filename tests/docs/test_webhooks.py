"""Whoever follows the page on webhooks receives what it says."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col
from tests.docs.pages import DOCS
from tests.docs.reader import Reader

from regulars.clock import SettableClock
from regulars.testing.databases import SqliteDatabases
from regulars.testing.making import running_app
from regulars.web.background import running_background
from regulars.webhooks.models import WebhookSecret
from regulars.webhooks.signing import derived_secret, secret_text

PAGE = DOCS / "how-to" / "send-webhooks.md"
RECEIVER = "https://crm.example.com/regulars"


@pytest.fixture
def clock() -> SettableClock:
    """Give a clock that stands at this moment, for the library of receivers looks at the machine's own."""
    return SettableClock(datetime.now(UTC))


async def test_sending_webhooks(sqlite_databases: SqliteDatabases, clock: SettableClock, tmp_path: Path) -> None:
    async with running_app(sqlite_databases, (), clock) as app:
        app.http.answer(RECEIVER, status=204)
        reader = Reader(tmp_path, app)
        async with running_background(app.server):
            await reader.follow(PAGE)
        async with app.database.reading() as session:
            first = (await session.scalars(select(WebhookSecret).order_by(col(WebhookSecret.created_at)))).all()[0]
        secret = secret_text(derived_secret(app.server.secret, first.id))
        (request,) = app.http.requests

    page: dict[str, Any] = {}
    exec((tmp_path / "receiver.py").read_text(encoding="utf-8"), page)
    told = [page["receive"](secret, dict(request.headers), request.content) for _ in range(2)]

    assert reader.done == 6
    assert told == ["webhook.test", "known"]
