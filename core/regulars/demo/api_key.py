"""Keep the demo's API key in a file, so that the next start shows the same one."""

import os
from pathlib import Path

from regulars.access.actors import SYSTEM
from regulars.access.owners import ForService
from regulars.access.refusals import Unauthenticated
from regulars.access.server_secret import ensure_server_secret
from regulars.access.service import LONGEST_LIFETIME, create_key
from regulars.web.server import Server

__all__ = ["kept_key"]

KEY_NAME = "Demo"
ROLE = "admin"


async def kept_key(server: Server, file: Path) -> str:
    """Return the key in the file; where that one lets nobody in, a new admin key, which holds for a year."""
    known = _read(file)
    try:
        await server.actor(f"Bearer {known}")
    except Unauthenticated:
        return await _new_key(server, file)
    return known


async def _new_key(server: Server, file: Path) -> str:
    async with server.database.writing() as session:
        issued = await create_key(
            session,
            name=KEY_NAME,
            owner=ForService(ROLE),
            lifetime=LONGEST_LIFETIME,
            permissions=server.permissions,
            secret=await ensure_server_secret(session, configured=server.settings.secret.get_secret_value()),
            actor=SYSTEM,
            now=server.clock.now(),
        )
        # Before the commit: a start that is killed here leaves a file that opens nothing, not a key that nobody has.
        _write(file, issued.text)
    return issued.text


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip() if file.exists() else ""


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(f"{text}\n")
    new.replace(file)
