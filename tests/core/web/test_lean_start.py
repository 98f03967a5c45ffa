"""What only some servers, pages or jobs need is not loaded by every server."""

import os
import subprocess
import sys

from regulars.testing.databases import SqliteDatabases

NEEDED_LATER = {
    "alembic": "changes of tables",
    "asyncpg": "databases on PostgreSQL",
    "altair": "plots",
    "apscheduler": "work in the background",
    "cryptography": "signed heads of the audit chain, an identity provider, proofs of addresses",
    "email.policy": "mails",
    "html.parser": "parts that plugins add to pages",
    "httpcore": "requests to other machines",
    "httpx": "requests to other machines",
    "jinja2": "pages",
    "joserfc": "an identity provider",
    "numpy": "models of customer value",
    "opentelemetry.sdk": "traces",
    "regulars.ingest.service": "imports",
    "regulars.tracking.service": "messages of sites and apps",
    "regulars_clv.customer_part": "the page of customers",
    "rich.progress": "imports from the command line",
    "scipy": "models of customer value",
    "smtplib": "mails",
    "strawberry.asgi": "subscriptions",
    "typer": "the command line",
    "vl_convert": "plots",
}
"""What a server loads when it first needs it, and for what."""

STARTED = """
import asyncio, sys
from regulars.plugins.joining.discovery import discover
from regulars.settings import Settings
from regulars.web.application import create_app

async def start():
    server = create_app(Settings(worker=False)).state.server
    async with server.running():
        for found in discover():
            await server.host.loader.contributions_of(found)
            print("loaded", found.id)
        print(*sorted(sys.modules))

asyncio.run(start())
"""


def test_a_server_starts_without_what_it_may_never_need(sqlite_databases: SqliteDatabases) -> None:
    with sqlite_databases.fresh() as url:
        environment = {**os.environ, "REGULARS_DATABASE_URL": url}
        done = subprocess.run(
            [sys.executable, "-c", STARTED], env=environment, capture_output=True, text=True, check=True
        )

    *told, loaded = done.stdout.splitlines()
    assert {"loaded clv", "loaded preference_centre"} <= set(told)
    assert set(loaded.split()) & NEEDED_LATER.keys() == set()
