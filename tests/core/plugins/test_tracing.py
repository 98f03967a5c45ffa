from uuid import UUID

import pytest
from structlog.testing import capture_logs
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import CUSTOMER, OTHER_CUSTOMER, gold

from regulars.database import Database
from regulars.plugins.calling.hook_calls import export_personal_data, tell_merged
from regulars.plugins.calling.tracing import shown_arguments

pytestmark = pytest.mark.usefixtures("two_customers")


async def test_each_call_is_logged_when_it_is_asked_for(make_host: MakeHost, database: Database) -> None:
    host = await make_host(gold(), trace_plugins=True)
    await host.enable("gold")

    with capture_logs() as lines:
        async with database.writing() as session:
            await tell_merged(
                host, session, survivor_id=CUSTOMER, merged_id=OTHER_CUSTOMER, merge_id=UUID(int=7), actor="system"
            )
        await export_personal_data(host, customer_id=CUSTOMER, actor="system")

    assert [(line["plugin"], line["hook"], line["returned"]) for line in lines] == [
        ("gold", "customer_merged", "None"),
        ("gold", "personal_data_export", "dict of 1"),
    ]
    assert lines[0]["arguments"] == {
        "ctx": "‹PluginContext›",
        "survivor_id": str(CUSTOMER),
        "merged_id": str(OTHER_CUSTOMER),
    }
    assert lines[0]["ms"] >= 0


async def test_nothing_is_logged_otherwise(make_host: MakeHost) -> None:
    host = await make_host(gold())
    await host.enable("gold")

    with capture_logs() as lines:
        await export_personal_data(host, customer_id=CUSTOMER, actor="system")

    assert lines == []


def test_personal_data_are_masked() -> None:
    shown = shown_arguments({"name": "Ada Lovelace", "tags": ["Ada"], "facts": {"born": 1815}, "count": 3})

    assert shown == {"name": "‹text:12›", "tags": "‹list of 1›", "facts": "‹dict of 1›", "count": "3"}
