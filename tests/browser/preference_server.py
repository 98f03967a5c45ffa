"""Serve the customers' page for a browser: a wine shop with streams and questions, a customer, and a mail server."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import uvicorn
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import update
from tests.browser.console_server import in_thread, make_tables
from tests.plugins.preference_centre.conftest import choose_everything
from tests.plugins.preference_centre.page import agree, send_lately
from tests.real.servers import free_port

from regulars import DownToken, Scope, read_identity, read_permissions
from regulars.customers.models import CustomerIdentity
from regulars.plugins.joining.discovery import found_plugin
from regulars.selfservice.door import CustomerDoor
from regulars.settings import Settings
from regulars.testing.shop import add_customer
from regulars.web.application import create_app
from regulars.web.server import Server
from regulars_clv.manifest import manifest as clv
from regulars_preference_centre.answers import define_question
from regulars_preference_centre.manifest import manifest as preference_centre
from regulars_preference_centre.streams import define_stream

__all__ = ["PreferenceServer", "serving_preferences"]

ADDRESS = "anna.beaumont@example.org"
STREAMS = (
    ("arrivals", "New arrivals", "Neu eingetroffen", "وصل حديثًا", "What came in this week, with a note on each."),
    ("offers", "Offers", "Angebote", "العروض", "What is cheaper until when, and why."),
    ("tastings", "Tastings", "Verkostungen", "التذوق", "Evenings in the shop, two weeks ahead."),
)
QUESTIONS = (
    ("delivery", "roadblock", "Delivery costs too much", "Der Versand ist zu teuer", "التوصيل غالٍ جدًا"),
    ("matters", "matter", "What matters most to you in a wine?", "Was zählt für Sie am meisten?", "ما الأهم لديك؟"),
)

Answer = TypeVar("Answer")


@dataclass
class PreferenceServer:
    """Where the page is, the folder of its server, the customer whose page it is, and the mails that were sent."""

    address: str
    folder: Path
    customer_id: UUID = field(default_factory=lambda: UUID(int=0))
    mails: list[EmailMessage] = field(default_factory=list)
    _server: Any = None
    _loop: Any = None

    def do(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Do something in the loop of the server."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def magic_link(self) -> str:
        """Return the address in a mail that the customer asked for."""

        async def make() -> str:
            async with self._server.database.writing() as session:
                return await CustomerDoor(self._server.secret).make_magic_link(
                    session,
                    customer_id=self.customer_id,
                    address=read_identity("email", ADDRESS),
                    now=self._server.clock.now(),
                )

        return f"{self.address}/preferences/open?link={self.do(make())}"

    def down_link(self) -> str:
        """Return the address of the page in some message about arrivals."""
        token = CustomerDoor(self._server.secret).down_token(DownToken(self.customer_id, topic="arrivals"))
        return f"{self.address}/preferences/by/{token}"

    def stop_link(self) -> str:
        """Return the address in the header of a message about arrivals."""
        token = DownToken(self.customer_id, purpose="marketing.own", channel="email", topic="arrivals")
        return f"{self.address}/stop/{CustomerDoor(self._server.secret).down_token(token)}"

    def outcome(self, topic: str) -> str:
        """Return what the ledger says of advertising about a topic by e-mail."""

        async def ask() -> str:
            async with self._server.database.reading() as session:
                permissions = await read_permissions(
                    session, customer_id=self.customer_id, now=self._server.clock.now()
                )
            return "ALLOW" if permissions.allows(Scope("marketing.own", "email", topic)) else "DENY"

        return self.do(ask())

    async def handle_DATA(  # noqa: N802  # aiosmtpd calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take a mail."""
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 fine"


@contextmanager
def serving_preferences(folder: Path) -> Iterator[PreferenceServer]:
    """Serve on this machine, with work in the background, as in production."""
    port, mail_port = free_port(), free_port()
    shop = PreferenceServer(f"http://127.0.0.1:{port}", folder)
    settings = Settings(
        database_url=f"sqlite:///{folder / 'regulars.db'}",
        company_name="Corner Wine Shop",
        public_url=shop.address,
        uploads=str(folder / "uploads"),
        audit_heads=str(folder / "heads"),
        mail_server=f"smtp+plain://127.0.0.1:{mail_port}",
        mail_from="Corner Wine Shop <hello@shop.example.com>",
        rate_burst=100_000,
    )
    in_thread(make_tables(settings))
    app = create_app(settings, found=[found_plugin(preference_centre), found_plugin(clv)])
    web = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, ws="none"))
    mail_server = Controller(shop, hostname="127.0.0.1", port=mail_port)
    mail_server.start()
    thread = threading.Thread(target=web.run, daemon=True)
    thread.start()
    while not web.started:
        thread.join(0.05)
    shop._server, shop._loop = app.state.server, web.servers[0].get_loop()
    shop.customer_id = shop.do(_furnish(app.state.server, shop.address))
    try:
        yield shop
    finally:
        web.should_exit = True
        thread.join()
        mail_server.stop()


async def _furnish(server: Server, address: str) -> UUID:
    now = datetime.now(UTC)
    shop: Any = server  # what the tests in the process ask of their app: its database and its clock
    await server.host.configure(
        "preference_centre", {"public_url": address, "partners": [{"id": "cheese", "title": "Old Street Cheese"}]}
    )
    await server.host.enable("preference_centre")
    await server.host.enable("clv")
    await server.refresh_schema()
    async with server.database.writing() as session:
        for place, (topic, *titles, description) in enumerate(STREAMS):
            await define_stream(
                session,
                topic=topic,
                purpose="marketing.own",
                channels=["email", "sms"],
                titles=dict(zip(("en", "de", "ar"), titles, strict=True)),
                descriptions={"en": description},
                position=place,
                now=now,
            )
        anna = await add_customer(session, name="Anna Beaumont", email=ADDRESS, external_id="1017", now=now)
        await session.execute(update(CustomerIdentity).values(verified_at=now))
        await choose_everything(shop, session, anna)
        for place, (key, kind, *titles) in enumerate(QUESTIONS):
            await define_question(
                session,
                key=key,
                kind=kind,
                titles=dict(zip(("en", "de", "ar"), titles, strict=True)),
                options={},
                topic="arrivals" if kind == "matter" else None,
                position=place,
            )
    for topic in ("arrivals", "offers"):
        await agree(shop, anna, topic)
    await send_lately(shop, anna, "arrivals", 4)
    return anna
