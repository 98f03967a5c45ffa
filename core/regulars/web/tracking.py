"""Take in events of sites and apps at `/v1/…`, in the Segment protocol.

Source: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from regulars.access.actors import ANONYMOUS, Actor
from regulars.access.allowances import address_payer, payer_of
from regulars.access.authentication import write_key_in
from regulars.access.refusals import Unauthenticated, WriteKeyMissing
from regulars.idempotency.service import KeyedRequest, claim_key, keep_answer, keyed_request
from regulars.tracking.bodies import LARGEST_BODY, bodies_in, read_document, unpacked
from regulars.tracking.messages import TYPES, read_messages
from regulars.tracking.refusals import BodyRefused
from regulars.web.gpc import heed_gpc
from regulars.web.server import Server

if TYPE_CHECKING:
    from regulars.tracking.service import Taken, TakenIn

__all__ = ["tracking_routes"]

SHORT = {type[0]: type for type in TYPES} | {"b": "batch"}
"""What the clients in browsers send to: `/v1/t` for `/v1/track`."""

MIXED = 207
NOT_TAKEN = 400


@dataclass(frozen=True)
class _Asked:
    """The messages of one request, and what the request says about all of them."""

    bodies: Sequence[object]
    type: str | None
    sent_at: object
    sender: Actor
    is_strict: bool


def tracking_routes(server: Server) -> list[Route]:
    """Return the routes of the Segment protocol: one for each type of message, and one for many messages."""
    names = {**{type: type for type in (*TYPES, "batch")}, **SHORT}
    return [Route(f"/v1/{name}", _door(server, kind), methods=["POST"]) for name, kind in names.items()]


def _door(server: Server, kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def take(request: Request) -> Response:
        try:
            return await _take(server, kind, request)
        except Unauthenticated:
            server.charge(ANONYMOUS, request)(1)  # whoever guesses keys pays for each
            raise

    return take


async def _take(server: Server, kind: str, request: Request) -> Response:
    authorization = request.headers.get("authorization")
    sender = None if authorization is None else await server.sender(write_key_in(authorization))
    body = unpacked(await _received(request))
    document = read_document(body)
    if sender is None:
        sender = await _sender_named_in(document, server)
    bodies, sent_at = bodies_in(document, is_batch=kind == "batch")
    _charge(server, sender, request, len(bodies))
    is_strict = request.headers.get("x-strict-mode") == "1"
    asked = _Asked(bodies, None if kind == "batch" else kind, sent_at, sender, is_strict=is_strict)
    key = request.headers.get("idempotency-key")
    if key is None:
        return await _write(server, request, asked, None)
    keyed = keyed_request(sender, key, kind, is_strict, sha256(body).hexdigest())
    with server.keys_in_flight.held(keyed):
        return await _write(server, request, asked, keyed)


async def _received(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BODY:
            raise BodyRefused(f"it has more than {LARGEST_BODY} bytes. Send fewer messages at a time")
    return bytes(body)


async def _sender_named_in(document: Mapping[str, object], server: Server) -> Actor:
    # Clients in browsers put the key there, since a header would cost them a preflight.
    key = document.get("writeKey")
    if not isinstance(key, str):
        raise WriteKeyMissing
    return await server.sender(key)


def _charge(server: Server, sender: Actor, request: Request, messages: int) -> None:
    """Count the messages for the key and for the address; raises ``AllowanceSpent``."""
    address = None if request.client is None else request.client.host
    for payer in (payer_of(sender, address), address_payer(address)):
        if server.tracking_allowances is not None:
            server.tracking_allowances.charge(payer, max(1, messages), now=server.clock.now())


async def _write(server: Server, request: Request, asked: _Asked, keyed: KeyedRequest | None) -> Response:
    """Write what the messages tell, and how that is answered; a repeated request gets its first answer."""
    from regulars.tracking.requests import take_request  # what takes messages in is not for every server
    from regulars.tracking.service import Registries

    now, sender = server.clock.now(), asked.sender
    messages = read_messages(asked.bodies, source=sender.source, sent_at=asked.sent_at, type=asked.type, now=now)
    known = Registries(server.touchpoint_types, server.trait_registry, server.consent_registry)
    async with server.database.writing() as session:
        kept = None if keyed is None else await claim_key(session, keyed)
        if kept is not None:
            return _replayed(kept)
        taken = await take_request(
            session, messages=messages, sent_at=asked.sent_at, type=asked.type, known=known, sender=sender, now=now
        )
        status, content = _answer(taken, is_strict=asked.is_strict)
        if keyed is not None:
            answer = orjson.dumps([status, content]).decode()
            await keep_answer(session, keyed, answer=answer, request_id=request.state.request_id, now=now)
    for visitor_id, customer_id in taken.joins:
        await _join(server, visitor_id, customer_id, sender)
    await heed_gpc(server, request, taken.customers, actor=sender)
    return _json(status, content)


def _replayed(kept: str) -> Response:
    status, content = orjson.loads(kept)
    answer = _json(status, content)
    answer.headers["idempotency-replayed"] = "true"
    return answer


async def _join(server: Server, visitor_id: UUID, customer_id: UUID, sender: Actor) -> None:
    from regulars.tracking.joining import join_visitor

    async with server.database.writing() as session:
        await join_visitor(
            session,
            visitor_id=visitor_id,
            customer_id=customer_id,
            actor=sender,
            on_merged=server.on_merged(sender),
            now=server.clock.now(),
        )


def _answer(taken: "TakenIn", *, is_strict: bool) -> tuple[int, Any]:
    """Return the status and what is told."""
    rejected = [one for one in taken.results if one.status == "rejected"]
    if is_strict:
        status = 200 if not rejected else NOT_TAKEN if len(rejected) == len(taken.results) else MIXED
        return status, {"success": not rejected, "results": [_told(one) for one in taken.results]}
    too_large = next((one for one in rejected if one.error is not None and one.error.code == "TOO_LARGE"), None)
    if too_large is not None:
        return NOT_TAKEN, {"success": False, "code": "TOO_LARGE", "message": str(too_large.error)}
    return 200, {"success": True}


def _told(one: "Taken") -> dict[str, Any]:
    told: dict[str, Any] = {"index": one.place, "messageId": one.id, "status": one.status}
    if one.status == "duplicate":
        told["duplicate"] = True
    if one.error is not None:
        told |= {"code": one.error.code, "message": str(one.error), "path": list(one.error.path)}
    if one.ignored:
        told["ignored"] = [{"name": part.name, "reason": part.reason} for part in one.ignored]
    return told


def _json(status: int, content: object) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
