"""Write the mails: the link to the page, and the news that somebody waited for."""

from html import escape
from urllib.parse import quote

from regulars import (
    MessageContent,
    MessageTemplate,
    MessageToWrite,
    NotFound,
    PluginContext,
    TooManyLinks,
    find_customer,
    read_identity,
)
from regulars_preference_centre.mail_words import MAILS, MailWords
from regulars_preference_centre.settings import PreferenceSettings

__all__ = ["ALERT", "LINK", "NO_SCORES", "TEMPLATES", "page_address", "written"]

LINK = "preference_centre.link"
NO_SCORES = "preference_centre.no_scores"
ALERT = "preference_centre.alert"
RIGHT_TO_LEFT = ("ar",)
BODY = "max-width:36rem;margin:0 auto;padding:16px;font:16px/1.55 system-ui,sans-serif"
BUTTON = "display:inline-block;padding:12px 16px;border-radius:6px;background:#1f5a4b;color:#fff;text-decoration:none"


async def write_link(ctx: PluginContext, message: MessageToWrite) -> MessageContent | None:
    """Write the mail with a magic link, which is made here and kept nowhere in plain words.

    Nothing is written to an address that nobody has, or that two claim, or after too many links in an hour.
    """
    if message.address is None:
        return None
    address = read_identity("email", message.address)
    customer = await find_customer(ctx.session, by=message.customer_id or address)
    if customer is None:
        return None
    try:
        token = await ctx.door.make_magic_link(
            ctx.session, customer_id=customer.id, address=address, now=ctx.clock.now()
        )
    except (NotFound, TooManyLinks):
        return None
    link = page_address(ctx, f"open?link={quote(token)}&lang={quote(message.language)}")
    return written("link", message, shop=ctx.company.name, link=link)


async def write_no_scores(ctx: PluginContext, message: MessageToWrite) -> MessageContent | None:
    """Write the mail whose link proves an address, of a customer or of anybody else."""
    if message.address is None:
        return None
    address = read_identity("email", message.address)
    proof = ctx.door.address_proof(address, purpose="no_scores", now=ctx.clock.now())
    link = page_address(ctx, f"no-scores/open?proof={quote(proof)}&lang={quote(message.language)}")
    return written("no_scores", message, shop=ctx.company.name, link=link)


async def write_alert(ctx: PluginContext, message: MessageToWrite) -> MessageContent | None:
    """Write what somebody asked to be told, in the words of their wish."""
    return written(
        "alert",
        message,
        shop=ctx.company.name,
        link=str(message.payload["url"]),
        item=str(message.payload["title"]),
        wish=str(message.payload["wish"]),
    )


TEMPLATES = (
    MessageTemplate(LINK, "transactional", write_link),
    MessageTemplate(NO_SCORES, "transactional", write_no_scores),
    MessageTemplate(ALERT, "marketing", write_alert),
)


def page_address(ctx: PluginContext, path: str) -> str:
    """Return the address of the customer's page as customers reach it."""
    return f"{ctx.settings_as(PreferenceSettings).public_url}/preferences/{path}"


def written(kind: str, message: MessageToWrite, **given: str) -> MessageContent:
    """Return a mail in the reader's language, as plain text and as HTML of the same words."""
    language = message.language.partition("-")[0]
    words = MAILS[kind].get(language) or MAILS[kind]["en"]
    filled = {**given, "stop": message.stop_link or ""}
    spoken = language if language in MAILS[kind] else "en"
    return MessageContent(words.subject.format(**filled), _as_text(words, filled), _as_html(words, filled, spoken))


def _as_text(words: MailWords, filled: dict[str, str]) -> str:
    lines = [*words.before, f"{words.button}: {{link}}", *words.after]
    if words.stop and filled["stop"]:
        lines.append(words.stop)
    return "\n\n".join([*(line.format(**filled) for line in lines), filled["shop"]]) + "\n"


def _as_html(words: MailWords, filled: dict[str, str], language: str) -> str:
    safe = {name: escape(value) for name, value in filled.items()}
    direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
    paragraphs = [f"<p>{line.format(**safe)}</p>" for line in words.before]
    paragraphs.append(f'<p><a href="{safe["link"]}" style="{BUTTON}">{escape(words.button)}</a></p>')
    paragraphs += [f"<p>{line.format(**safe)}</p>" for line in words.after]
    if words.stop and filled["stop"]:
        stop = f'<a href="{safe["stop"]}">{safe["stop"]}</a>'
        paragraphs.append(f"<p>{words.stop.format(**{**safe, 'stop': stop})}</p>")
    paragraphs.append(f"<p>{safe['shop']}</p>")
    return (
        f'<!doctype html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8">'
        '<meta name="color-scheme" content="light dark"></head>'
        f'<body style="{BODY}">{"".join(paragraphs)}</body></html>'
    )
