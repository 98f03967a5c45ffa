"""The page behind the link of a double opt-in: looking changes nothing, its one button confirms."""

from starlette.requests import Request
from starlette.responses import Response

from regulars import PluginContext
from regulars_preference_centre.double_opt_in import name_of_topic
from regulars_preference_centre.page.asking import form_of
from regulars_preference_centre.page.opening import language_of
from regulars_preference_centre.page.showing import led_to, show_around
from regulars_preference_centre.page.visit import link_to

__all__ = ["confirm", "show_confirmation"]

LONGEST_LINK = 600


async def show_confirmation(request: Request) -> Response:
    """Show what the link confirms, with the button, or that it is confirmed; raises ``LinkUnknown``."""
    ctx: PluginContext = request.state.ctx
    link = request.query_params.get("grant", "")[:LONGEST_LINK]
    grant = await ctx.door.grant_behind_link(ctx.session, link=link, now=ctx.clock.now())
    what = await name_of_topic(ctx, grant.scope.topic, language_of(request))
    title = "done_title" if grant.is_confirmed else "title"
    return show_around(
        request,
        "preferences/confirm.html",
        "confirming",
        title=title,
        link=link,
        what=what,
        is_confirmed=grant.is_confirmed,
        action=link_to("confirm", request.query_params.get("lang")),
        start=link_to("", request.query_params.get("lang")),
    )


async def confirm(request: Request) -> Response:
    """Confirm what stands behind the link, and show that it is; raises ``LinkUnknown``."""
    ctx: PluginContext = request.state.ctx
    link = (await form_of(request))["grant"][:LONGEST_LINK]
    await ctx.door.confirm_by_link(ctx.session, link=link, now=ctx.clock.now())
    return led_to(request, "confirm", grant=link)
