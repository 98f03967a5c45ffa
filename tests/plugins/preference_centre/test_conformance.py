from sqlalchemy import select
from sqlmodel import col
from tests.plugins.preference_centre.conftest import choose_everything

from regulars.customers.models import Customer
from regulars.testing.app import App
from regulars.testing.conformance import conformance
from regulars_preference_centre.manifest import manifest


async def fill_choices(app: App) -> None:
    """Let some customers choose something of every kind."""
    async with app.database.writing() as session:
        chosen = (await session.scalars(select(col(Customer.id)).order_by(col(Customer.id)).limit(5))).all()
        for customer_id in chosen:
            await choose_everything(app, session, customer_id)


TestConformance = conformance(manifest, prepare=fill_choices)
