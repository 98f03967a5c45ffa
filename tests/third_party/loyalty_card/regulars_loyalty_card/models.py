"""The table of loyalty cards."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from regulars import Table, UtcDateTime, pii

__all__ = ["LoyaltyAccount"]


class LoyaltyAccount(Table, table=True):
    """One customer's card."""

    __tablename__ = "loyalty_card_account"

    customer_id: UUID = Field(foreign_key="core_customer.id", ondelete="CASCADE", primary_key=True)
    points: int = Field(default=0, index=True)
    level: str = Field(default="green", sa_column_kwargs=pii("fact"))
    counted_at: datetime = Field(sa_type=UtcDateTime)
