"""Send one event to one webhook, and say how it went."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from regulars.events.envelope import EventEnvelope
from regulars.outgoing.client import Outgoing
from regulars.outgoing.limits import RequestLimits
from regulars.outgoing.refusals import ReplyTooLarge, RequestFailed
from regulars.webhooks.queue import Outcome
from regulars.webhooks.signing import signed_headers

__all__ = ["WEBHOOK_LIMITS", "event_body", "send_event"]

WEBHOOK_LIMITS = RequestLimits(largest_reply_bytes=64 * 1024)
"""Encrypted, no redirects, 10 seconds, and of the reply 64 KiB."""


def event_body(event: EventEnvelope) -> bytes:
    """Return the event as it is sent: the envelope of subscriptions and handlers, which holds ids and no more."""
    return orjson.dumps(
        {
            "id": str(event.id),
            "type": event.type,
            "occurredAt": event.occurred_at,
            "subject": event.subject,
            "actor": event.actor,
            "data": event.data,
        },
        option=orjson.OPT_UTC_Z,
    )


async def send_event(
    outgoing: Outgoing,
    url: str,
    secrets: Sequence[bytes],
    event: EventEnvelope,
    *,
    limits: RequestLimits = WEBHOOK_LIMITS,
    now: datetime,
) -> Outcome:
    """Return how the attempt went; whatever goes wrong on the way is an outcome too.

    A receiver that says it took the event has taken it, however long its answer: what is too long is not read.
    """
    body = event_body(event)
    headers = {"content-type": "application/json", **signed_headers(secrets, event_id=event.id, body=body, now=now)}
    try:
        reply = await outgoing.post(url, content=body, headers=headers, limits=limits)
    except ReplyTooLarge as error:
        return _outcome(error.status)
    except RequestFailed as error:
        return Outcome(None, str(error))
    return _outcome(reply.status)


def _outcome(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome(status)
    if 300 <= status < 400:
        return Outcome(status, f"It answered {status}, a redirect. Give the address to which it leads.")
    return Outcome(status, f"It answered {status}.")
