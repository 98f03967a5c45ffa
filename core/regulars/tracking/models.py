"""The table of messages that were taken in lately."""

from datetime import datetime

from sqlmodel import Field

from regulars.tables import Table, UtcDateTime

__all__ = ["TakenMessage"]


class TakenMessage(Table, table=True):
    """A message that left no touchpoint, kept for a while so that sending it again does nothing."""

    __tablename__ = "core_tracking_message"

    source: str = Field(primary_key=True)
    message_id: str = Field(primary_key=True)
    received_at: datetime = Field(sa_type=UtcDateTime, index=True)
