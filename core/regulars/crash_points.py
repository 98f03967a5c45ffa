"""Name the moments at which losing the process would hurt most, so that each can be tried out.

A kill at random misses windows of microseconds. Work passes these points by name; in production nobody listens.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

__all__ = ["CrashPoint", "listening", "reach"]


class CrashPoint(StrEnum):
    """A moment between two steps of which either may be the last."""

    EFFECT_WRITTEN = "effect.written"
    """A mutation has written, and neither its answer nor anything else is committed."""

    ANSWER_KEPT = "answer.kept"
    """The answer of a request under a key is written beside its effect, and not committed."""

    EFFECT_COMMITTED = "effect.committed"
    """The effect is committed, and nobody has been told."""

    OUTBOX_FANNED_OUT = "outbox.fanned_out"
    """Events have their handlers, not committed."""

    OUTBOX_TOLD = "outbox.told"
    """A handler has taken events, and nothing says so yet."""

    WEBHOOK_CLAIMED = "webhook.claimed"
    """A sender holds deliveries, and has sent none of them."""

    WEBHOOK_ANSWERED = "webhook.answered"
    """Receivers have answered, and nothing says so yet."""

    WEBHOOK_RECORDED = "webhook.recorded"
    """How the deliveries went is written, not committed."""

    JOB_CLAIMED = "job.claimed"
    """A worker holds a job and has not begun."""

    JOB_WRITTEN = "job.written"
    """A job has written its effect and its checkpoint, not committed."""

    JOB_DONE = "job.done"
    """A job's function has ended, and its row does not say so yet."""

    JOB_ENDED = "job.ended"
    """The ending is in the job's row, not committed."""

    SEAL_WRITTEN = "seal.written"
    """Links of the chain are written, not committed."""

    SEAL_COMMITTED = "seal.committed"
    """Links are committed, and no head outside the database knows them."""

    HEAD_UNFINISHED = "head.unfinished"
    """A signed head lies under another name."""

    MESSAGE_RESERVED = "message.reserved"
    """A message has a slot, not committed."""

    MESSAGE_WRITTEN = "message.written"
    """A message has its slot and its words, and is not confirmed."""

    MESSAGE_CONFIRMED = "message.confirmed"
    """A message was decided anew and is noted as on its way, not committed."""

    MESSAGE_ON_ITS_WAY = "message.on_its_way"
    """A message may be handed over, and was not yet."""

    MESSAGE_HANDED_OVER = "message.handed_over"
    """The provider has a message, and nothing says so yet."""

    MESSAGE_SETTLED = "message.settled"
    """A message is written down as sent, not committed."""

    MIGRATION_REVISION = "migration.revision"
    """One revision of several has changed the tables, not committed."""


_listeners: list[Callable[[CrashPoint], None]] = []


def reach(point: CrashPoint) -> None:
    """Pass a point; whoever listens may end the process here."""
    for listener in _listeners:
        listener(point)


@contextmanager
def listening(listener: Callable[[CrashPoint], None]) -> Iterator[None]:
    """Call ``listener`` at every point that this process passes while the block lasts."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
