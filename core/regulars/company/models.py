"""The table of what the company says about itself."""

from datetime import datetime
from typing import Any

from sqlmodel import Field

from regulars.personal import pii
from regulars.tables import JsonColumn, Table, UtcDateTime

__all__ = ["THE_COMPANY", "CompanySettings"]

THE_COMPANY = "company"


class CompanySettings(Table, table=True):
    """The one row of the company; what is None is as the operator's settings say."""

    __tablename__ = "core_company"

    id: str = Field(default=THE_COMPANY, primary_key=True, sa_column_kwargs=pii("none"))
    name: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    time_zone: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    currency: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    languages: list[Any] | None = Field(default=None, sa_type=JsonColumn, sa_column_kwargs=pii("none"))
    support_address: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    accent: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    logo: str | None = Field(default=None, sa_column_kwargs=pii("none"))
    version: int = 0
    updated_at: datetime = Field(sa_type=UtcDateTime)
