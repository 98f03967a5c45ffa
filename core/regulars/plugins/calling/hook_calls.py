"""One typed function for each hook that runs later: what the rest of the server calls."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.events.envelope import EventEnvelope
from regulars.messages.templates import MessageContent, MessageToWrite
from regulars.plugins.calling.answering import Answering, who_answers
from regulars.plugins.calling.calls import HookCall, Outcome, PluginCallFailed, PluginUnavailable
from regulars.plugins.calling.results import check_content, check_export, check_nothing, check_receipt
from regulars.plugins.calling.sessions import TransactionLost, joined_session, refuse_foreign_writes
from regulars.plugins.context import PluginContext
from regulars.plugins.contributions import ErasureReceipt, EventHandler
from regulars.plugins.host import PluginHost

__all__ = [
    "call_each",
    "erase_personal_data",
    "export_personal_data",
    "handle_events",
    "on_merged",
    "on_unmerged",
    "tell_merged",
    "tell_unmerged",
    "write_message",
]

T = TypeVar("T")


MergeHook = Callable[[AsyncSession, UUID, UUID, UUID], Awaitable[None]]


def on_merged(host: PluginHost, *, actor: str) -> MergeHook:
    """Return ``tell_merged`` in the form in which merging customers takes it."""

    async def tell(session: AsyncSession, survivor_id: UUID, merged_id: UUID, merge_id: UUID) -> None:
        await tell_merged(host, session, survivor_id=survivor_id, merged_id=merged_id, merge_id=merge_id, actor=actor)

    return tell


def on_unmerged(host: PluginHost, *, actor: str) -> MergeHook:
    """Return ``tell_unmerged`` in the form in which parting customers takes it."""

    async def tell(session: AsyncSession, survivor_id: UUID, merged_id: UUID, merge_id: UUID) -> None:
        await tell_unmerged(host, session, survivor_id=survivor_id, merged_id=merged_id, merge_id=merge_id, actor=actor)

    return tell


async def tell_merged(
    host: PluginHost, session: AsyncSession, *, survivor_id: UUID, merged_id: UUID, merge_id: UUID, actor: str
) -> None:
    """Let every plugin bring its rows together after a merge, in the merge's transaction.

    Raises ``PluginCallFailed`` as soon as one cannot; then the merge must be rolled back.
    """
    arguments = {"survivor_id": survivor_id, "merged_id": merged_id, "merge_id": merge_id}
    await _tell_each(host, "customer_merged", session, arguments, actor)


async def tell_unmerged(
    host: PluginHost, session: AsyncSession, *, survivor_id: UUID, merged_id: UUID, merge_id: UUID, actor: str
) -> None:
    """Let every plugin part its rows again after a merge was undone, in the same transaction.

    Raises ``PluginCallFailed`` as soon as one cannot; then nothing may be undone.
    """
    arguments = {"survivor_id": survivor_id, "merged_id": merged_id, "merge_id": merge_id}
    await _tell_each(host, "customer_unmerged", session, arguments, actor)


async def erase_personal_data(
    host: PluginHost, session: AsyncSession, *, customer_id: UUID, actor: str
) -> tuple[Outcome[ErasureReceipt], ...]:
    """Let every plugin erase what it knows of a customer, each in a savepoint of the erasure's transaction.

    What one could not erase is rolled back alone; its outcome says why, and the erasure stays open.
    Raises ``PluginCallFailed`` when a plugin broke the transaction itself.
    """
    return await call_each(
        host,
        "personal_data_erase",
        session,
        arguments={"customer_id": customer_id},
        budget_s=host.caller.budgets.personal_data_s,
        check=check_receipt,
        actor=actor,
    )


async def export_personal_data(
    host: PluginHost, *, customer_id: UUID, actor: str
) -> tuple[Outcome[dict[str, Any]], ...]:
    """Ask every plugin for all that it knows of a customer, each with a session of its own that only reads.

    The values are plain JSON. An outcome without a value names the part that is missing, and why.
    """
    answering, unavailable = await who_answers(host, "personal_data_export")
    exported: list[Outcome[dict[str, Any]]] = [Outcome(failure.plugin_id, failure=failure) for failure in unavailable]
    for plugin in answering:
        try:
            async with host.database.reading() as session:
                call = _call(
                    host,
                    plugin,
                    session,
                    {"customer_id": customer_id},
                    budget_s=host.caller.budgets.personal_data_s,
                    check=check_export,
                    actor=actor,
                )
                value = await host.caller.call(call)
            exported.append(Outcome(plugin.manifest.id, value))
        except PluginCallFailed as failure:
            exported.append(Outcome(plugin.manifest.id, failure=failure))
    return tuple(sorted(exported, key=lambda outcome: outcome.plugin_id))


async def write_message(host: PluginHost, *, template: str, message: MessageToWrite) -> MessageContent | None:
    """Let a plugin write the words of a message, in a transaction of its own; None withdraws the message.

    Raises ``PluginCallFailed`` when it could not, ``PluginUnavailable`` when nobody enabled knows the template.
    """
    plugin_id = template.partition(".")[0]
    plugin, known = host.plugins.get(plugin_id), host.plugins.message_templates.get(template)
    if plugin is None or known is None:
        raise PluginUnavailable(plugin_id, "message_templates", f"Nobody who is enabled writes {template}.")

    async def write(ctx: PluginContext, message: MessageToWrite) -> MessageContent | None:
        return await known.write(ctx, message)

    async with host.database.writing_session() as session:
        own = refuse_foreign_writes(session, plugin.manifest)
        ctx = host.context(plugin_id, session=own, actor="system", settings=plugin.settings)
        call = HookCall(
            plugin_id,
            "message_templates",
            write,
            {"ctx": ctx, "message": message},
            host.caller.budgets.words_s,
            check_content,
            finish=own.commit,
        )
        return await host.caller.call(call)


async def handle_events(
    host: PluginHost, *, plugin_id: str, event_type: str, events: Sequence[EventEnvelope], actor: str = "system"
) -> None:
    """Give a batch of committed events of one type to the plugin's handler, with a transaction of its own.

    Raises ``PluginCallFailed`` when it could not take them, so that they are told again later; ``PluginPaused`` says
    after which moment. A plugin that is not enabled (any more), or does not handle the type, takes nothing.
    """
    plugin = host.plugins.get(plugin_id)
    handler = None if plugin is None else plugin.contributions.events.get(event_type)
    if plugin is None or handler is None:
        return
    async with host.database.writing_session() as session:
        own = refuse_foreign_writes(session, plugin.manifest)
        ctx = host.context(plugin_id, session=own, actor=actor, settings=plugin.settings)
        call = HookCall(
            plugin_id,
            "events",
            _by_position(handler),
            {"ctx": ctx, "events": tuple(_frozen_event(event) for event in events)},
            host.caller.budgets.events_s,
            check_nothing,
            finish=own.commit,
        )
        await host.caller.call(call)


async def call_each(
    host: PluginHost,
    hook: str,
    session: AsyncSession,
    *,
    arguments: Mapping[str, Any],
    budget_s: float,
    check: Callable[[Any], T],
    actor: str,
) -> tuple[Outcome[T], ...]:
    """Call a hook of every plugin by name, each in a savepoint of the transaction of ``session``.

    Plugins that are disabled are called too, once they were enabled before: they may hold something of the customer.
    One that cannot be asked has an outcome with ``PluginUnavailable``. Raises ``PluginCallFailed`` when a plugin broke
    the transaction itself, so that nobody can go on.
    """
    answering, unavailable = await who_answers(host, hook, session)
    outcomes: list[Outcome[T]] = [Outcome(failure.plugin_id, failure=failure) for failure in unavailable]
    for plugin in answering:
        try:
            async with joined_session(session, plugin.manifest) as own:
                call = _call(host, plugin, own, arguments, budget_s=budget_s, check=check, actor=actor)
                value = await host.caller.call(replace(call, finish=own.commit))
            outcomes.append(Outcome(plugin.manifest.id, value))
        except PluginCallFailed as failure:
            outcomes.append(Outcome(plugin.manifest.id, failure=failure))
        except TransactionLost as lost:
            raise host.caller.failed(plugin.manifest.id, hook, lost) from lost
    return tuple(sorted(outcomes, key=lambda outcome: outcome.plugin_id))


async def _tell_each(
    host: PluginHost, hook: str, session: AsyncSession, arguments: Mapping[str, Any], actor: str
) -> None:
    outcomes = await call_each(
        host,
        hook,
        session,
        arguments=arguments,
        budget_s=host.caller.budgets.merge_s,
        check=check_nothing,
        actor=actor,
    )
    for outcome in outcomes:
        if isinstance(outcome.failure, PluginUnavailable):
            # A plugin that cannot be loaded must not hold up the company's merges; it learns of them by its problem.
            host.problems.report(outcome.plugin_id, f"missed:{hook}", outcome.failure.reason, True)
        elif outcome.failure is not None:
            raise outcome.failure


def _call(
    host: PluginHost,
    plugin: Answering,
    session: AsyncSession,
    arguments: Mapping[str, Any],
    *,
    budget_s: float,
    check: Callable[[Any], T],
    actor: str,
) -> HookCall[T]:
    ctx = host.context(plugin.manifest.id, session=session, actor=actor, settings=plugin.settings)
    return HookCall(
        plugin.manifest.id,
        plugin.hook.hook,
        plugin.hook.function,
        plugin.hook.wanted({"ctx": ctx, **arguments}),
        budget_s,
        check,
    )


def _by_position(handler: EventHandler) -> EventHandler:
    # A handler may call its two arguments what it likes.
    async def handle(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
        return await handler(ctx, events)

    return handle


def _frozen_event(event: EventEnvelope) -> EventEnvelope:
    # Every handler gets the same event: what one of them changed, the others would see.
    return replace(event, data=_frozen(event.data))


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return MappingProxyType({key: _frozen(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(_frozen(item) for item in value)
    return value
