"""A mail server of the tests' own that takes what the plugin sends, and readers of what came."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html import unescape
from urllib.parse import urlsplit

from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Table, select

from regulars.messages.smtp import SmtpDelivery, mail_server
from regulars.tables import Table as Rows
from regulars.testing.app import App
from regulars.testing.background import send_messages

__all__ = ["Arrived", "all_rows", "links_in", "mails_sent", "path_of"]

SENDER = "Wine & Co <hello@shop.example.com>"
HREF = re.compile(r'href="([^"]*)"')
PLAIN = re.compile(r"https?://\S+")


@dataclass
class Arrived:
    """What the mail server took, as it came over the wire."""

    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802  # aiosmtpd calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 fine"


@asynccontextmanager
async def _mail_server(arrived: Arrived) -> AsyncIterator[SmtpDelivery]:
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(arrived), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield SmtpDelivery(mail_server(f"smtp+plain://127.0.0.1:{port}"), sender=SENDER)
    finally:
        server.close()
        await server.wait_closed()


async def mails_sent(app: App) -> Sequence[EmailMessage]:
    """Tell all events, send all that is due over SMTP, and return what arrived."""
    arrived = Arrived()
    async with _mail_server(arrived) as delivery:
        await app.deliver_events()
        await send_messages(app.server, {"email": delivery})
    return arrived.mails


def links_in(mail: EmailMessage) -> list[str]:
    """Return every address in a mail: of its text, its HTML and its headers."""
    plain, html = mail.get_body(["plain"]), mail.get_body(["html"])
    assert plain is not None
    assert html is not None
    written = [unescape(link) for link in HREF.findall(html.get_content())]
    typed = PLAIN.findall(plain.get_content())
    listed = [link.strip("<> ") for link in str(mail.get("List-Unsubscribe", "")).split(",") if link.strip()]
    return list(dict.fromkeys([*written, *typed, *listed]))


def path_of(link: str) -> str:
    """Return an address without the host, as the server under test takes it."""
    parts = urlsplit(link)
    return parts.path + (f"?{parts.query}" if parts.query else "")


async def all_rows(app: App) -> dict[str, list[str]]:
    """Return every row of every table, in words that can be compared."""
    found = {}
    async with app.database.reading() as session:
        for table in _tables():
            rows = await session.execute(select(table))
            found[table.name] = sorted(repr(tuple(row)) for row in rows)
    return found


def _tables() -> Sequence[Table]:
    prefixes = ("core_", "preference_centre_")
    return [table for table in Rows.metadata.sorted_tables if table.name.startswith(prefixes)]
