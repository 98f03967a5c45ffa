"""What leaves the house, taken by a real mail server, a real receiver of signed requests, and a folder."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from standardwebhooks import Webhook

from regulars.clock import SystemClock
from regulars.errors import ConfigurationError
from regulars.messages.deliveries import DeliveryAway, Outbound, Taken, Turned
from regulars.messages.handing_off import FileDelivery, SignedDelivery
from regulars.messages.opening import open_deliveries
from regulars.messages.smtp import SmtpDelivery, mail_server
from regulars.messages.templates import MessageContent
from regulars.outgoing.client import Outgoing
from regulars.settings import Settings
from regulars.tables import new_id
from regulars.testing.internet import FakeInternet

STOP_LINK = "https://shop.example.com/stop/" + "a" * 120
SENDER = "Wine & Co <hello@shop.example.com>"


class Sink:
    """Takes mails, or answers what it is told to."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.raw: list[bytes] = []
        self.rcpt = self.data = "250 fine"

    async def handle_RCPT(  # noqa: N802  # aiosmtpd calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(  # noqa: N802  # aiosmtpd calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        if self.data.startswith("250"):
            self.raw.append(envelope.content)
            self.mails.append(message_from_bytes(envelope.content, policy=default))
        return self.data


@pytest.fixture
async def sink() -> AsyncIterator[tuple[Sink, SmtpDelivery]]:
    handler = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(handler), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield handler, SmtpDelivery(mail_server(f"smtp+plain://127.0.0.1:{port}"), sender=SENDER)
    server.close()
    await server.wait_closed()


def outbound(**other: Any) -> Outbound:
    given: dict[str, Any] = {
        "id": new_id(),
        "channel": "email",
        "customer_id": new_id(),
        "address": "anna@example.org",
        "language": "ar",
        "topic": "wines",
        "content": MessageContent("أخبار: ten new wines", "نص\nText", "<p>نص</p>"),
        "stop_link": STOP_LINK,
    }
    return Outbound(**(given | other))


async def test_a_mail_arrives_with_both_texts_and_the_one_click_headers_whole(
    sink: tuple[Sink, SmtpDelivery],
) -> None:
    handler, delivery = sink

    async with delivery.open() as handover:
        result = await handover.send(outbound())

    (mail,) = handler.mails
    assert isinstance(mail, EmailMessage)
    assert isinstance(result, Taken)
    assert result.provider_id == mail["Message-ID"]
    assert (mail["From"], mail["To"], mail["Subject"]) == (SENDER, "anna@example.org", "أخبار: ten new wines")
    assert f"List-Unsubscribe: <{STOP_LINK}>".encode() in handler.raw[0]
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in handler.raw[0]
    bodies = [mail.get_body(("plain",)), mail.get_body(("html",))]
    assert [body.get_content().split() for body in bodies if body is not None] == [["نص", "Text"], ["<p>نص</p>"]]


async def test_a_mail_without_a_stream_has_no_stop_header(sink: tuple[Sink, SmtpDelivery]) -> None:
    handler, delivery = sink

    async with delivery.open() as handover:
        await handover.send(outbound(stop_link=None))

    assert handler.mails[0]["List-Unsubscribe"] is None


@pytest.mark.parametrize(
    ("rcpt", "data", "kind"),
    [
        ("550 nobody here", "250 fine", "bounced"),
        ("451 try later", "250 fine", "later"),
        ("250 fine", "554 spam", "failed"),
        ("250 fine", "452 full", "later"),
    ],
)
async def test_what_the_mail_server_refuses_surely_was_not_taken(
    sink: tuple[Sink, SmtpDelivery], rcpt: str, data: str, kind: str
) -> None:
    handler, delivery = sink
    handler.rcpt, handler.data = rcpt, data

    async with delivery.open() as handover:
        result = await handover.send(outbound())

    assert isinstance(result, Turned)
    assert result.kind == kind
    assert handler.mails == []


async def test_one_connection_takes_many_mails(sink: tuple[Sink, SmtpDelivery]) -> None:
    handler, delivery = sink

    async with delivery.open() as handover:
        results = [await handover.send(outbound(address=f"{name}@example.org")) for name in ("a", "b", "c")]

    assert [type(result) for result in results] == [Taken] * 3
    assert [mail["To"] for mail in handler.mails] == ["a@example.org", "b@example.org", "c@example.org"]


async def test_a_mail_server_that_is_away_has_taken_nothing() -> None:
    delivery = SmtpDelivery(mail_server("smtp+plain://127.0.0.1:1"), sender=SENDER)

    with pytest.raises(DeliveryAway, match="cannot be reached"):
        async with delivery.open():
            pass


async def test_a_signed_request_is_verified_by_the_library_of_receivers() -> None:
    internet, secret = FakeInternet(Settings()), b"0123456789abcdef0123456789abcdef"
    internet.answer("https://sender.example.com/messages", status=202)
    delivery = SignedDelivery(
        Outgoing(transport=internet), url="https://sender.example.com/messages", secret=secret, clock=SystemClock()
    )
    message = outbound()

    async with delivery.open() as handover:
        result = await handover.send(message)

    (request,) = internet.requests
    told = Webhook(f"whsec_{b64encode(secret).decode()}").verify(request.content, dict(request.headers))
    assert isinstance(result, Taken)
    assert (told["id"], request.headers["webhook-id"]) == (str(message.id), str(message.id))


@pytest.mark.parametrize(("status", "kind"), [(503, "later"), (429, "later"), (400, "failed"), (302, "failed")])
async def test_an_answer_other_than_2xx_took_nothing(status: int, kind: str) -> None:
    internet = FakeInternet(Settings())
    internet.answer("https://sender.example.com/messages", status=status)
    delivery = SignedDelivery(
        Outgoing(transport=internet), url="https://sender.example.com/messages", secret=b"x" * 24, clock=SystemClock()
    )

    async with delivery.open() as handover:
        result = await handover.send(outbound())

    assert isinstance(result, Turned)
    assert result.kind == kind


async def test_a_message_handed_off_twice_is_one_file(tmp_path: Path) -> None:
    delivery, message = FileDelivery(tmp_path / "out"), outbound(channel="post", address=None)

    async with delivery.open() as handover:
        await handover.send(message)
        await handover.send(message)

    (file,) = (tmp_path / "out").iterdir()
    told = json.loads(file.read_text(encoding="utf-8"))
    assert file.name == f"post-{message.id}.json"
    assert (told["subject"], told["stopLink"], told["address"]) == ("أخبار: ten new wines", STOP_LINK, None)


@pytest.mark.parametrize(
    "settings",
    [
        {"mail_server": "mail.example.com", "mail_from": SENDER},
        {"mail_server": "smtp://mail.example.com"},
        {"signed_channels": ("sms",)},
        {"signed_channels": ("sms",), "hand_off_url": "https://x.example.com", "hand_off_secret": "abc"},
    ],
    ids=["no address", "nobody writes", "no receiver", "no secret"],
)
def test_settings_that_do_not_go_together_stop_the_start(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="REGULARS_"):
        open_deliveries(Settings(**settings), outgoing=Outgoing(), clock=SystemClock())


def test_each_channel_has_the_delivery_that_the_settings_say() -> None:
    settings = Settings(
        mail_server="smtps://me:secret@mail.example.com",
        mail_from=SENDER,
        hand_off_channels=("post",),
        signed_channels=("sms",),
        hand_off_url="https://x.example.com",
        hand_off_secret="whsec_" + b64encode(b"x" * 24).decode(),
    )

    deliveries = open_deliveries(settings, outgoing=Outgoing(), clock=SystemClock())

    assert {channel: delivery.name for channel, delivery in deliveries.items()} == {
        "email": "smtp",
        "sms": "signed",
        "post": "file",
    }
