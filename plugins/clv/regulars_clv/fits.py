"""Find the fit behind the scores that hold."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars_clv.models import ClvModel

__all__ = ["newest_fit"]


async def newest_fit(session: AsyncSession) -> ClvModel | None:
    """Return the last fit whose scores took force; None while nobody is scored."""
    newest = select(ClvModel).where(col(ClvModel.activated_at).is_not(None)).order_by(col(ClvModel.fitted_at).desc())
    return (await session.scalars(newest.limit(1))).first()
