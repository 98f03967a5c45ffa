"""A visit to the page: whose it is, how it was opened, and what its forms carry."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote, urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from markupsafe import Markup

from regulars import Customer, DownToken, OpenedSession, PluginContext
from regulars_preference_centre.settings import PreferenceSettings

__all__ = ["ADDRESS", "FORM_TOKEN", "Opening", "Visit", "link_to"]

ADDRESS = "preferences"
FORM_TOKEN = "visit"  # noqa: S105 - the name of a field

Opening = Literal["up", "down"]


@dataclass(frozen=True)
class Visit:
    """A customer on their page.

    An *up* visit was opened by a fresh magic link, and may allow, see and change all. A *down* visit was opened by the
    link of some message, which may be in anybody's hands: it sees no fact and can only lower what is sent. ``session``
    is the first one's, ``token`` with its ``written`` form the second one's. ``chosen_language`` is what the visitor
    asked for in the address. ``asks_for_no_sharing`` tells that the browser sends Global Privacy Control, and
    ``undo_token`` is what it keeps of a stop that it can undo. ``memory`` keeps what several sections read.
    """

    ctx: PluginContext
    customer: Customer
    now: datetime
    language: str
    chosen_language: str | None = None
    session: OpenedSession | None = None
    token: DownToken | None = None
    written: str = field(default="", repr=False)
    form_token: str = field(default="", repr=False)
    undo_token: str = field(default="", repr=False)
    is_secure: bool = True
    asks_for_no_sharing: bool = False
    memory: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def customer_id(self) -> UUID:
        """Return the id of the customer as whom they count today."""
        return self.customer.id

    @property
    def opening(self) -> Opening:
        """Return how the page was opened."""
        return "down" if self.session is None else "up"

    @property
    def settings(self) -> PreferenceSettings:
        """Return what an admin set about the page."""
        return self.ctx.settings_as(PreferenceSettings)

    @property
    def zone(self) -> ZoneInfo:
        """Return where the customer is, as far as is known, else where the company is."""
        return ZoneInfo(self.customer.time_zone or self.ctx.company.time_zone)

    @property
    def is_up(self) -> bool:
        """Tell whether the customer came by a fresh link, and may see and allow."""
        return self.session is not None

    def path(self, path: str = "", **query: str) -> str:
        """Return the address of a part of this visit's page, in the language that was asked for."""
        before = f"by/{quote(self.written)}" if self.written else ""
        whole = "/".join(part for part in (before, path) if part)
        return link_to(whole, self.chosen_language, **query)

    def action(self, section: str, name: str) -> str:
        """Return where a section's form is sent to."""
        return self.path(f"{section}/{name}")

    @property
    def fields(self) -> Markup:
        """Return the hidden field that each form of an up visit must hold."""
        return Markup('<input type="hidden" name="{}" value="{}">').format(FORM_TOKEN, self.form_token)


def link_to(path: str = "", language: str | None = None, **query: str) -> str:
    """Return the address of a part of the page on this server."""
    asked = {**({"lang": language} if language else {}), **query}
    return f"/{ADDRESS}{f'/{path}' if path else ''}{f'?{urlencode(asked)}' if asked else ''}"
