"""What an import tells is told in the words of single touchpoints."""

from pathlib import Path

from sqlalchemy import select
from sqlmodel import col
from tests.core.ingest.importing import import_orders, write_orders

from regulars.database import Database
from regulars.events.models import Event
from regulars.touchpoints.models import Touchpoint


async def test_an_imported_touchpoint_is_told_of_as_a_recorded_one(database: Database, tmp_path: Path) -> None:
    write_orders(tmp_path, rows=3)

    await import_orders(database, tmp_path)

    async with database.reading() as session:
        events = list(await session.scalars(select(Event).where(col(Event.type) == "touchpoint.recorded")))
        written = {one.id: one for one in await session.scalars(select(Touchpoint))}
    assert len(written) == 3
    told = {(event.subject, event.data["touchpointId"], event.data["type"]) for event in events}
    assert told == {(f"customer:{one.customer_id}", str(id), "order") for id, one in written.items()}
