"""Every hook that a plugin can implement. This file is the contract.

A hook asks for its arguments by name and may take fewer of them, so a later argument breaks nobody.
The first group is collected once, when a plugin is loaded: synchronous, without input or output, within five seconds;
a failure makes the plugin ``failed``. The second group runs later; such hooks are ``async``, or plain functions that
the server runs in a worker thread.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pluggy

from regulars.messages.templates import MessageTemplate
from regulars.plugins.contributions import (
    ErasureReceipt,
    EventHandler,
    GraphQLPart,
    Job,
    Migrations,
    Pages,
    Trait,
)
from regulars.tables import Table

if TYPE_CHECKING:
    import typer

    from regulars.contact.rules import ContactRule
    from regulars.plugins.context import PluginContext

__all__ = ["hookimpl", "hookspec"]

hookspec = pluggy.HookspecMarker("regulars")
hookimpl = pluggy.HookimplMarker("regulars")
"""Stands before each function by which a plugin takes part: ``@hookimpl``."""


@hookspec
def models() -> Sequence[type[Table]]:
    """Return the plugin's tables.

    Their names start with the plugin's id. A table with a column that refers to ``core_customer`` obliges the plugin to
    implement ``personal_data_export`` and ``personal_data_erase``; such references are ``ON DELETE CASCADE`` or
    ``SET NULL``.
    """
    raise AssertionError


@hookspec
def migrations() -> Migrations:
    """Return where the plugin's Alembic revisions lie.

    They run after the core's, with a version table of their own (``alembic_version_<id>``), when the plugin is enabled
    and at each start. A revision that fails stops this plugin only.
    """
    raise AssertionError


@hookspec
def graphql() -> GraphQLPart:
    """Return the fields that the plugin adds to types of the core.

    Each field is a column, a relation, a batch function or a resolver, and names its permission. Columns marked
    ``filterable`` or ``sortable`` appear in ``where`` and ``orderBy`` by themselves. A field that crashes or hangs is
    null, with an error at its path; everything else in the answer stays.
    """
    raise AssertionError


@hookspec
def traits() -> Sequence[Trait]:
    """Return the facts about customers that other plugins, segments and pilots may use, each with its provenance."""
    raise AssertionError


@hookspec
def events() -> Mapping[str, EventHandler]:
    """Return a handler for each type of event that the plugin wants to hear of.

    A handler takes the plugin's context and a batch of events of its type, after they were committed, at least once.
    It may be given an event again, so it must be idempotent. An error or 30 seconds without an end: tried again later,
    then a problem of the plugin.
    """
    raise AssertionError


@hookspec
def contact_rules() -> "Sequence[ContactRule]":
    """Return the plugin's reasons for which a contact has to wait, or must not happen.

    A rule only ever denies or defers. It says what it must know of a customer as SQL over the plugin's own tables and
    the core's (``needs``), and decides with a pure function that is asked again about later moments. The core reads the
    needs of all rules in one statement, orders the rules by their numbers (one without a number stands after all
    others), explains and keeps what they say, and finds the end. A rule that fails, and every rule of a plugin that
    does not work for now, defers the contact as ``rule_unavailable``: nothing is sent because something broke.
    """
    raise AssertionError


@hookspec
def message_templates() -> Sequence[MessageTemplate]:
    """Return the kinds of messages that the plugin sends, each reviewed: its class is fixed here.

    A plugin drops messages into ``ctx.messages``; the server decides about each, writes its words by the template just
    before the hand-over, within ten seconds, and sends it. Ids start with the plugin's.
    """
    raise AssertionError


@hookspec
def jobs() -> Sequence[Job]:
    """Return the plugin's work in the background: what runs, when it starts by itself, how long it may take."""
    raise AssertionError


@hookspec
def pages() -> Pages:
    """Return the plugin's pages, and the permission that each one needs.

    They are served under ``/plugins/<id>/``, or at an address of their own that ``Pages`` names.

    ``slots`` of ``Pages`` adds parts to pages of other plugins, each to a named place; pages alone need no routes. A
    part is a template of the plugin, filled with what an async function returns within two seconds; one that fails
    leaves a line in its place, and counts against the plugin's breaker under ``slots``. A page asks for the parts of a
    place by ``ctx.slots.fill(place, SlotVisit(…))``. The preference centre has the places ``customer.scores``, where a
    customer sees what is computed of them, and ``customer.known``, below the facts that are held of them.
    """
    raise AssertionError


@hookspec
def cli() -> "typer.Typer":
    """Return a typer application that appears as ``regulars <id> …``.

    It is called by the command line alone. Import typer and your commands inside it: a server needs neither.
    """
    raise AssertionError


@hookspec
async def personal_data_export(ctx: "PluginContext", customer_id: UUID) -> Mapping[str, Any]:
    """Return all that the plugin knows of this customer, as JSON with words that a person understands.

    ``"isPortable": True`` in it says that the person gave all of it themselves, or that it was observed of them, so
    that they may take it elsewhere. Without an answer within 60 seconds the export is incomplete, and says which part
    is missing.
    """
    raise AssertionError


@hookspec
async def personal_data_erase(ctx: "PluginContext", customer_id: UUID) -> ErasureReceipt:
    """Erase all that the plugin knows of this customer, and return how many rows of which table.

    It runs in the erasure's transaction, in a savepoint. Erasing twice is no error. While it fails, the erasure stays
    open and is tried again.
    """
    raise AssertionError


@hookspec
async def customer_merged(ctx: "PluginContext", survivor_id: UUID, merged_id: UUID, merge_id: UUID) -> None:
    """Bring the plugin's rows together after ``merged_id`` became part of ``survivor_id``, in the merge's transaction.

    An error or five seconds without an end rolls the merge back.
    """
    raise AssertionError


@hookspec
async def customer_unmerged(ctx: "PluginContext", survivor_id: UUID, merged_id: UUID, merge_id: UUID) -> None:
    """Part the plugin's rows again after the merge was undone, in the same transaction."""
    raise AssertionError
