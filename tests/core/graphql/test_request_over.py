"""Once a request has its answer, nothing of it reads on."""

from uuid import uuid4

import pytest
from sqlalchemy import literal, select

from regulars.fields.context import RequestOver
from regulars.testing.app import App


async def test_a_field_that_is_late_begins_no_transaction(core: App) -> None:
    executor = await core.server.executor()
    async with core.database.writing_session() as session:
        context = executor.context(session, core.actor("admin"), uuid4().hex)

        await context.end()

        with pytest.raises(RequestOver):
            await context.execute(select(literal(1)))
        assert not session.in_transaction()
