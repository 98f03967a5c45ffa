"""Read the company's own purchases for the command line, in the shape of a file's."""

from datetime import date, datetime

from regulars import Database, Settings, with_tables
from regulars_clv.purchases import read_purchase_days
from regulars_clv.transactions import Transactions, transactions_of

__all__ = ["database_transactions"]


def database_transactions(*, currency: str | None, today: date) -> Transactions:
    """Return the purchases that the configured database holds until ``today``, in one currency.

    Without a ``currency`` it is the company's. Customers are named by their ids in the database.
    """

    async def read(database: Database, settings: Settings, _now: datetime) -> Transactions:
        async with database.reading() as session:
            lines = await read_purchase_days(
                session,
                currency=currency or settings.company_currency,
                time_zone=settings.company_time_zone,
                until=today,
            )
        customers, days, amounts = [line[0] for line in lines], [line[1] for line in lines], [line[2] for line in lines]
        return transactions_of(customers, days, amounts)

    return with_tables(read)
