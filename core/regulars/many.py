"""Compare a column with any number of texts, in one parameter of one statement."""

from collections.abc import Collection

import orjson
from sqlalchemy import ColumnElement, String, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped

__all__ = ["is_among"]


def is_among(
    session: AsyncSession, column: Mapped[str] | Mapped[str | None], texts: Collection[str]
) -> ColumnElement[bool]:
    """Return, as SQL, whether the column is one of these texts; there is no limit to their number."""
    if session.get_bind().dialect.name == "postgresql":
        return column == any_(bindparam(None, list(texts), type_=ARRAY(String)))
    given = func.json_each(orjson.dumps(list(texts)).decode()).table_valued("value")
    return column.in_(select(given.c.value))
