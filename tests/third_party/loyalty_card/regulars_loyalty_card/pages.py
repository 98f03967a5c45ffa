"""The page that counts cards."""

from sqlalchemy import func, select
from sqlmodel import col
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from regulars import Pages, PluginContext
from regulars_loyalty_card.models import LoyaltyAccount

__all__ = ["PAGES"]


async def _cards(request: Request) -> HTMLResponse:
    ctx: PluginContext = request.state.ctx
    counts = select(col(LoyaltyAccount.level), func.count()).group_by(col(LoyaltyAccount.level))
    rows = (await ctx.session.execute(counts.order_by(col(LoyaltyAccount.level)))).all()
    lines = "".join(f"<li>{level}: {number}</li>" for level, number in rows)
    return HTMLResponse(
        f'<!doctype html><html lang="en"><title>Loyalty cards</title><h1>Loyalty cards</h1><ul>{lines}</ul></html>'
    )


PAGES = Pages(routes=[Route("/", _cards, name="cards")], permissions={"cards": "loyalty_card:read"})
