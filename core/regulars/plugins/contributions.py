"""What hooks return: frozen descriptions that the server checks before it uses them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from sqlalchemy.orm import Mapped
from sqlalchemy.sql.elements import ColumnElement
from starlette.routing import BaseRoute

if TYPE_CHECKING:
    from regulars.events.envelope import EventEnvelope
    from regulars.jobs.run import JobRun
    from regulars.plugins.context import PluginContext

__all__ = [
    "ErasureReceipt",
    "EventHandler",
    "GraphQLPart",
    "Job",
    "Migrations",
    "Pages",
    "Provenance",
    "Slot",
    "SlotPart",
    "SlotVisit",
    "StopLinks",
    "Trait",
    "TraitType",
    "TraitWords",
    "Trigger",
    "daily",
    "every",
]

Provenance = Literal["declared", "observed", "inferred", "imported"]
TraitType = Literal["text", "number", "boolean", "time"]


@dataclass(frozen=True)
class Migrations:
    """Where a plugin's Alembic revisions lie, as ``package:folder``."""

    location: str


@dataclass(frozen=True)
class GraphQLPart:
    """Fields that a plugin adds, by the name of the GraphQL type that gets them.

    Each value is a class made by ``strawberry.type`` whose fields come from ``column``, ``relation``, ``batch``,
    ``resolver`` or ``mutation``. The type is a core type (``Customer``, ``Query``, ``Mutation``…).
    """

    fields: Mapping[str, type[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class TraitWords:
    """How customers read a fact in one language; None leaves what its ``Trait`` says.

    ``values`` are words for values of a text that nobody would understand (``top_1``); others are shown as they are.
    ``source`` says where the fact comes from, in place of the plugin's id, and ``unit`` stands behind a number. A
    number that ``is_share`` lies between 0 and 1, and is shown in percent.
    """

    title: str | None = None
    used_for: str | None = None
    source: str | None = None
    unit: str | None = None
    values: Mapping[str, str] = field(default_factory=dict, hash=False)
    is_share: bool = False


@dataclass(frozen=True)
class Trait:
    """A named fact about a customer that lies in a column of one of the plugin's own tables.

    ``key`` starts with the plugin's id (``clv.tier``). ``titles`` is what it is called in further languages, by their
    codes (``de``), on pages of customers. ``column`` belongs to a table with one row per customer, reached by
    ``customer_id``. ``as_of`` says when the value was last true, ``used_for`` in words what it is used for, which
    customers can read.

    ``words`` is for what only settings or rows know, such as a use that an admin writes down. It takes the context and
    a language, reads with ``ctx.session``, and what it returns goes before ``titles`` and ``used_for``. All traits of a
    plugin together have two seconds; where that fails, the page says what is written here.
    """

    key: str
    title: str
    type: TraitType
    provenance: Provenance
    column: "ColumnElement[Any] | Mapped[Any]"
    customer_id: "ColumnElement[Any] | Mapped[Any]"
    permission: str
    as_of: "ColumnElement[Any] | Mapped[Any] | None" = None
    filterable: bool = True
    sortable: bool = False
    used_for: str | None = None
    titles: Mapping[str, str] = field(default_factory=dict, hash=False)
    words: "Callable[[PluginContext, str], Awaitable[TraitWords]] | None" = field(default=None, hash=False)


EventHandler = Callable[["PluginContext", "Sequence[EventEnvelope]"], Awaitable[None]]
"""Takes events of one type, oldest first, after they were committed; at least once, so it must be idempotent."""


@dataclass(frozen=True)
class Trigger:
    """When a job starts by itself: every day at an hour of the company's time zone, or at a fixed distance."""

    hour: int | None = None
    minute: int = 0
    distance: timedelta | None = None


def daily(*, hour: int, minute: int = 0) -> Trigger:
    """Start every day at ``hour``:``minute`` in the company's time zone."""
    return Trigger(hour=hour, minute=minute)


def every(distance: timedelta) -> Trigger:
    """Start at a fixed distance, at least a minute."""
    return Trigger(distance=distance)


@dataclass(frozen=True)
class Job:
    """Work that a plugin does in the background; ``trigger`` of None means only when asked.

    ``run`` gets a ``JobRun``: progress, cancel, checkpoint and sessions whose commit is fenced. What it returns is kept
    as the job's result. ``permission`` is needed to start it by hand. ``slots`` is how many runs there are at once, on
    all servers together; None sets no limit.
    """

    id: str
    run: "Callable[[JobRun], Awaitable[Mapping[str, Any] | None]]"
    title: str
    permission: str
    trigger: Trigger | None = None
    timeout: timedelta = timedelta(minutes=30)
    slots: int | None = None


@dataclass(frozen=True)
class SlotVisit:
    """Who looks at a page with a slot: the customer whom it is about, the page's language, and the moment."""

    customer_id: UUID
    language: str
    now: datetime


@dataclass(frozen=True)
class SlotPart:
    """What a plugin adds to a page: a template of its own, filled with ``values``."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Slot:
    """A part that a plugin adds to a named place on a page of another plugin, such as ``customer.scores``.

    ``show`` reads with ``ctx.session``, writes nothing, and returns the part, or None where it has nothing to say. It
    has two seconds. Its template lies in the folder that the plugin's ``Pages`` names as ``templates``. What becomes of
    it is a fragment: every element is closed, and there is no heading above h3, no form, script or style.
    """

    place: str
    show: "Callable[[PluginContext, SlotVisit], Awaitable[SlotPart | None]]"


@dataclass(frozen=True)
class StopLinks:
    """What a plugin's pages add to the core's page behind the stop link of a message.

    ``path`` is where whoever holds such a link can do more: with ``/by`` in pages at ``/preferences`` the core's page
    leads to ``/preferences/by/<token>``, and ``ctx.door.read_down_token`` reads the token. ``topic_name`` returns what
    customers call a topic in a language; None for one that the plugin does not know. It reads with ``ctx.session``, and
    has two seconds. The plugin whose name comes first is asked.
    """

    path: str
    topic_name: "Callable[[PluginContext, str, str], Awaitable[str | None]]"


@dataclass(frozen=True)
class Pages:
    """Pages under ``/plugins/<id>/``, or under an ``address``: Starlette routes, each with its permission.

    ``permissions`` maps a route's name to a permission; a route without one stops the plugin, so that nothing becomes
    public by accident. The permission ``public`` is explicit. A page finds a ``PluginContext`` in
    ``request.state.ctx`` and who asks in ``request.state.actor``; it has ten seconds, and what a GET writes is not
    kept. A page that knows by a session of its own which customer looks puts their id into
    ``request.state.customer_id``: when their browser sends Global Privacy Control, sharing stops, at a GET too. A link
    proves nobody; it is opened by scanners of mails as well.

    ``titles`` maps a route's name to what it is called where staff find their pages; a route without a title is not
    listed. ``templates`` is the folder of the templates for ``page_response``, as ``package:folder``, and ``static``
    the folder of files that are served to everybody under ``/plugins/<id>/static/``.

    ``address`` is for pages that people find without the console, such as ``preferences``: then they lie at
    ``/preferences`` and below instead, the route ``/`` at ``/preferences`` itself, and the files under
    ``/preferences/static/``. A plugin whose address the core or another plugin has is not enabled.

    ``slots`` are parts that the plugin adds to pages of other plugins, with or without pages of its own, and
    ``stop_links`` what it adds to the core's page behind the stop link of a message.
    """

    routes: Sequence[BaseRoute] = ()
    permissions: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    templates: str | None = None
    static: str | None = None
    address: str | None = None
    stop_links: StopLinks | None = None
    slots: Sequence[Slot] = ()


@dataclass(frozen=True)
class ErasureReceipt:
    """How many rows of which table a plugin erased."""

    rows: Mapping[str, int]
