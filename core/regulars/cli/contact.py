"""`regulars contact`: say why a customer may or may not be contacted, for people who plan campaigns."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from regulars.contact.memory import Decided
    from regulars.database import Database
    from regulars.settings import Settings

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


@app.callback()
def contact() -> None:
    """Ask about contacts."""


@app.command("explain")
def explain(
    customer: Annotated[str, typer.Argument(help="The customer's id, or their e-mail address.")],
    channel: Annotated[str, typer.Option(help="By which channel: email, sms, voice…")],
    purpose: Annotated[str | None, typer.Option(help="What for: marketing.own unless said.")] = None,
    topic: Annotated[str, typer.Option(help="About what.")] = "*",
    contact_class: Annotated[
        str,
        typer.Option("--class", help="legal, transactional, service, followup, marketing or research."),
    ] = "marketing",
    case: Annotated[str | None, typer.Option(help="The service case that a follow-up asks about.")] = None,
) -> None:
    """Tell in plain sentences whether a customer may be contacted now, what stands in the way, and until when."""
    from regulars.cli.environment import with_tables
    from regulars.clock import SystemClock
    from regulars.consents.registry import core_consent_registry
    from regulars.contact.requests import ContactRequest
    from regulars.contact.sentences import told_in_sentences
    from regulars.contact.service import decide_contact
    from regulars.plugins.host import PluginHost
    from regulars.plugins.joining.discovery import discover
    from regulars.web.parts import contact_rules_of

    request = ContactRequest(channel=channel, contact_class=contact_class, purpose=purpose, topic=topic, case_id=case)

    async def work(database: "Database", settings: "Settings", now: "datetime") -> "Decided":
        host = PluginHost(database, settings, clock=SystemClock(), found=discover(blocked=settings.blocked_plugins))
        try:
            await host.load()
            async with database.reading() as session:
                return await decide_contact(
                    session,
                    customer_id=await _customer_id(session, customer),
                    request=request,
                    rules=contact_rules_of(host),
                    registry=core_consent_registry(),
                    now=now,
                )
        finally:
            await host.close()

    for sentence in told_in_sentences(with_tables(work)):
        typer.echo(sentence)


async def _customer_id(session: object, given: str) -> UUID:
    from sqlalchemy.ext.asyncio import AsyncSession

    from regulars.customers.finding import find_customer
    from regulars.customers.identities import read_identity
    from regulars.errors import NotFound
    from regulars.fields.ids import row_id

    assert isinstance(session, AsyncSession)
    if "@" not in given:
        return row_id("Customer", given)
    found = await find_customer(session, by=read_identity("email", given))
    if found is None:
        raise NotFound("customer", given)
    return found.id
