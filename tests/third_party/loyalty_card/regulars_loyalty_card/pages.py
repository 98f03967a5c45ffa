"""The page that counts cards."""

from sqlalchemy import func, select
from sqlmodel import col
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from regulars import Pages, PluginContext, page_response
from regulars_loyalty_card.models import LoyaltyAccount

__all__ = ["PAGES"]


async def _cards(request: Request) -> Response:
    ctx: PluginContext = request.state.ctx
    levels = select(col(LoyaltyAccount.level), func.count()).group_by(col(LoyaltyAccount.level))
    counts = (await ctx.session.execute(levels.order_by(col(LoyaltyAccount.level)))).all()
    return page_response(request, "cards.html", {"counts": counts}, title="Loyalty cards")


PAGES = Pages(
    routes=[Route("/", _cards, name="cards")],
    permissions={"cards": "loyalty_card:read"},
    titles={"cards": "Loyalty cards"},
    templates="regulars_loyalty_card:templates",
)
