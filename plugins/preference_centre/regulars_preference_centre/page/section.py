"""What a section of the page is: what it shows, and what its buttons do."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from regulars_preference_centre.page.forms import Form
from regulars_preference_centre.page.visit import Visit

__all__ = ["Action", "Done", "Section"]


@dataclass(frozen=True)
class Done:
    """What an action did: the sentence ``said_<said>`` of its section's words.

    ``kept`` names, in words, what was chosen elsewhere since the page was opened and therefore stays as it is.
    """

    said: str
    kept: tuple[str, ...] = ()


Action = Callable[[Visit, Form], Awaitable[Done | Response]]
"""Does what a form's button says; raises ``WrongInput`` or another ``ExpectedError``, then nothing has changed."""


@dataclass(frozen=True)
class Section:
    """A part of the page: its template shows what ``read`` gives, and its forms call ``actions`` by name.

    ``name`` is in its forms' addresses and names its words and the element that links lead to. ``read`` of None leaves
    it out. ``lowering`` are the actions that a down visit may call; such visits see the sections that have any, and
    those with ``is_for_all``. ``is_listed`` ones stand in the page's table of contents.
    """

    name: str
    template: str
    read: Callable[[Visit], Awaitable[Mapping[str, Any] | None]]
    actions: Mapping[str, Action] = field(default_factory=dict)
    lowering: frozenset[str] = frozenset()
    is_for_all: bool = False
    is_listed: bool = True

    def is_for(self, visit: Visit) -> bool:
        """Tell whether such a visit sees this section."""
        return visit.is_up or self.is_for_all or bool(self.lowering)

    def action_for(self, visit: Visit, name: str) -> Action | None:
        """Return the action with this name, if such a visit may call it."""
        return self.actions.get(name) if visit.is_up or name in self.lowering else None
