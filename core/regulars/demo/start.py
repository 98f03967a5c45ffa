"""Start the demo: tables, customers, lifetime value, a key, and then the server."""

import asyncio
import socket

import typer

from regulars.database import Database, open_engine
from regulars.demo.api_key import kept_key
from regulars.demo.customers_page import open_customers_page
from regulars.demo.marking import refuse_other_customers
from regulars.demo.preparation import history_for_demo, prepare_demo
from regulars.demo.progress import shown_progress
from regulars.demo.settings import FOLDER, LOG, place_of_data
from regulars.demo.welcome import welcome
from regulars.migrations import upgrade
from regulars.preflight import check_reachable
from regulars.revisions import CORE, state_of
from regulars.settings import Settings
from regulars.web.listening import address_of
from regulars.web.serve import serve
from regulars.web.server import Server

__all__ = ["serve_demo"]


def serve_demo(settings: Settings, listener: socket.socket) -> None:
    """Complete the demo's data, serve on a socket that listens already, and say where to look.

    Requests wait until everything is there. Raises what ``prepare_demo`` and ``serve`` raise.
    """
    FOLDER.mkdir(exist_ok=True)
    history = history_for_demo()
    with shown_progress() as progress:
        progress("Making the tables", 0, None)
        asyncio.run(_make_tables(settings))

    address = address_of(listener)

    async def prepare(server: Server) -> None:
        with shown_progress() as progress:
            await prepare_demo(server, history, progress=progress)
            customer = await open_customers_page(server, address, progress=progress)
        key = await kept_key(server, FOLDER / "api-key")
        text = welcome(address, key=key, history=history, place=place_of_data(settings), customer=customer)
        typer.echo(text)

    with LOG.open("a", encoding="utf-8", buffering=1) as log:
        serve(settings, listener, before=prepare, log_to=log)


async def _make_tables(settings: Settings) -> None:
    database = Database(open_engine(settings))
    try:
        await check_reachable(database)
        if (await state_of(database.engine, CORE)).current is not None:
            async with database.reading() as session:
                await refuse_other_customers(session)
        await upgrade(database.engine, [CORE])
    finally:
        await database.close()
