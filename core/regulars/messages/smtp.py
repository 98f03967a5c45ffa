"""Deliver e-mail over SMTP, with the headers by which a mail program stops a stream at one click."""

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import unquote, urlsplit

from regulars.errors import ConfigurationError
from regulars.messages.deliveries import DeliveryAway, HandoverResult, Outbound, Taken, Turned

__all__ = ["MailServer", "SmtpDelivery", "as_mail", "mail_server"]

LONGEST_LINE = 998
PATIENCE_S = 30.0
FOR_NOW, FOR_GOOD = 400, 500
"""From which codes on a server refuses for now, and for good: RFC 5321, section 4.2.1."""

# A long List-Unsubscribe would otherwise be folded into encoded words, and no mail program could follow it.
MAIL_POLICY = SMTP.clone(max_line_length=LONGEST_LINE)


@dataclass(frozen=True)
class MailServer:
    """Where mails are handed in; ``tls`` is ``none``, ``starttls`` or ``tls``."""

    host: str
    port: int
    tls: str
    user: str = ""
    password: str = field(default="", repr=False)


def mail_server(url: str) -> MailServer:
    """Read ``smtp://user:password@host:port`` (STARTTLS), ``smtps://…`` or ``smtp+plain://…`` (for a relay at hand).

    Raises ``ConfigurationError`` for anything else.
    """
    parts = urlsplit(url)
    kinds = {"smtp": ("starttls", 587), "smtps": ("tls", 465), "smtp+plain": ("none", 25)}
    if parts.scheme not in kinds or not parts.hostname:
        raise ConfigurationError(
            "REGULARS_MAIL_SERVER is no address of a mail server. Write smtp://USER:PASSWORD@HOST:587, smtps://…, or"
            " smtp+plain://HOST:25 for a relay on this machine."
        )
    tls, port = kinds[parts.scheme]
    return MailServer(
        parts.hostname, parts.port or port, tls, unquote(parts.username or ""), unquote(parts.password or "")
    )


def as_mail(message: Outbound, *, sender: str) -> EmailMessage:
    """Return the mail as it goes over the wire: plain text, HTML of the same words, and the stop headers."""
    mail = EmailMessage(policy=MAIL_POLICY)
    mail["From"], mail["To"], mail["Subject"] = sender, message.address or "", message.content.subject
    domain = sender.rpartition("@")[2].rstrip(">")
    mail["Message-ID"] = f"<{message.id.hex}@{domain}>"
    mail["Content-Language"] = message.language
    if message.stop_link is not None:
        mail["List-Unsubscribe"] = f"<{message.stop_link}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(message.content.text)
    if message.content.html is not None:
        mail.add_alternative(message.content.html, subtype="html")
    return mail


class SmtpDelivery:
    """Hands mails to a mail server, which does not know a mail again that it has taken."""

    name = "smtp"
    honours_keys = False

    def __init__(self, server: MailServer, *, sender: str) -> None:
        self._server, self._sender = server, sender

    @asynccontextmanager
    async def open(self) -> AsyncIterator["SmtpHandover"]:
        """Connect and sign in; raises ``DeliveryAway`` when the mail server cannot be reached."""
        try:
            connection = await asyncio.to_thread(self._connect)
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryAway(f"The mail server at {self._server.host} cannot be reached: {error}") from error
        try:
            yield SmtpHandover(connection, sender=self._sender)
        finally:
            await asyncio.to_thread(_leave, connection)

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        if server.tls == "tls":
            context = ssl.create_default_context()
            connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=PATIENCE_S, context=context)
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=PATIENCE_S)
        try:
            if server.tls == "starttls":
                connection.starttls(context=ssl.create_default_context())
            if server.user:
                connection.login(server.user, server.password)
            connection.ehlo_or_helo_if_needed()
        except BaseException:
            connection.close()
            raise
        return connection


class SmtpHandover:
    """An open connection to a mail server."""

    def __init__(self, connection: smtplib.SMTP, *, sender: str) -> None:
        self._connection, self._sender = connection, sender

    async def send(self, message: Outbound) -> HandoverResult:
        """Hand one mail over; as long as its text has not been sent, the server surely does not have it."""
        return await asyncio.to_thread(self._send, message)

    def _send(self, message: Outbound) -> HandoverResult:
        connection, mail = self._connection, as_mail(message, sender=self._sender)
        try:
            connection.rset()
            said = connection.mail(_bare(self._sender))
            if said[0] < FOR_NOW:
                said = connection.rcpt(message.address or "")
                if said[0] >= FOR_GOOD:
                    return Turned("bounced", _words(said))
            if said[0] >= FOR_NOW:
                return Turned("failed" if said[0] >= FOR_GOOD else "later", _words(said))
        except (OSError, smtplib.SMTPException) as error:
            return Turned("later", f"The connection ended before the text was sent: {error}")
        try:
            said = connection.data(mail.as_bytes())
        except smtplib.SMTPDataError as error:  # refused before the text was sent
            return Turned("failed" if error.smtp_code >= FOR_GOOD else "later", f"{error.smtp_code}")
        if said[0] >= FOR_NOW:
            return Turned("failed" if said[0] >= FOR_GOOD else "later", _words(said))
        return Taken(mail["Message-ID"])


def _bare(address: str) -> str:
    return address.rpartition("<")[2].rstrip(">").strip()


def _words(said: tuple[int, bytes]) -> str:
    return f"{said[0]} {said[1].decode('utf-8', 'replace')}"[:300]


def _leave(connection: smtplib.SMTP) -> None:
    with suppress(OSError, smtplib.SMTPException):
        connection.quit()
    connection.close()
