"""The page that counts cards, and what customers see of theirs on their own page."""

from sqlalchemy import func, select
from sqlmodel import col
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from regulars import Pages, PluginContext, Slot, SlotPart, SlotVisit, page_response
from regulars_loyalty_card.models import LoyaltyAccount

__all__ = ["PAGES"]


async def _cards(request: Request) -> Response:
    ctx: PluginContext = request.state.ctx
    levels = select(col(LoyaltyAccount.level), func.count()).group_by(col(LoyaltyAccount.level))
    counts = (await ctx.session.execute(levels.order_by(col(LoyaltyAccount.level)))).all()
    return page_response(request, "cards.html", {"counts": counts}, title="Loyalty cards")


async def _points(ctx: PluginContext, visit: SlotVisit) -> SlotPart | None:
    account = await ctx.session.get(LoyaltyAccount, visit.customer_id)
    return None if account is None else SlotPart("points.html", {"points": account.points, "level": account.level})


PAGES = Pages(
    routes=[Route("/", _cards, name="cards")],
    permissions={"cards": "loyalty_card:read"},
    titles={"cards": "Loyalty cards"},
    templates="regulars_loyalty_card:templates",
    slots=[Slot("customer.known", _points)],
)
