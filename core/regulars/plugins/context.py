"""What the server hands to a plugin's code when it calls it."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.typing import FilteringBoundLogger

from regulars.clock import Clock
from regulars.messages.box import MessageBox
from regulars.outgoing.granted import PluginHttp
from regulars.plugins.pages.slots import SlotFiller
from regulars.selfservice.door import CustomerDoor
from regulars.selfservice.rights import CustomerRights

__all__ = ["Company", "PluginContext", "ReportProblem"]

Model = TypeVar("Model", bound=BaseModel)

ReportProblem = Callable[[str, str, bool], None]


@dataclass(frozen=True)
class Company:
    """The company that this installation serves.

    ``languages`` are those it speaks with customers, the usual one first. ``support_address`` is where customers get
    help, an e-mail address; ``accent`` the colour of its pages as ``#rrggbb``.
    """

    name: str
    time_zone: str
    currency: str
    languages: tuple[str, ...] = ("en",)
    support_address: str | None = None
    accent: str | None = None
    has_logo: bool = False
    version: int = 0

    @property
    def logo_path(self) -> str | None:
        """Return where the logo lies on this server; None without one."""
        return f"/company/logo?v={self.version}" if self.has_logo else None


@dataclass(frozen=True)
class PluginContext:
    """Settings, session, clock and the rest, for one call of one plugin.

    ``settings`` is an instance of the manifest's settings model. ``session`` belongs to the call: the server commits it
    when the call ends well. ``actor`` names who caused the call. ``random`` is seeded in tests. ``http`` reaches the
    hosts that the manifest asks for in ``grants.network``. ``door`` lets customers in, and ``rights`` acts for them on
    what is known of them. ``messages`` takes what is to be sent. ``slots`` shows what other plugins add to a page.
    """

    plugin_id: str
    settings: Any
    company: Company
    session: AsyncSession
    clock: Clock
    random: random.Random
    http: PluginHttp
    door: CustomerDoor
    rights: CustomerRights
    messages: MessageBox
    slots: SlotFiller
    actor: str
    log: FilteringBoundLogger
    report_problem: ReportProblem

    def problem(self, key: str, message: str, *, critical: bool = False) -> None:
        """Tell the operators about something wrong; equal keys are counted, not repeated."""
        self.report_problem(key, message, critical)

    def settings_as(self, model: type[Model]) -> Model:
        """Return the settings as the plugin's own model."""
        assert isinstance(self.settings, model)
        return self.settings
