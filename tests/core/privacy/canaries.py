"""People whose every field is told apart, written through every door; and a search for them in every place."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import make_url, select, text

from regulars.database import Database
from regulars.tables import Table
from regulars.testing.app import App

__all__ = ["Canary", "dump_of", "fill", "found_in", "make_canaries"]

CREATE = """mutation ($input: CustomerCreateInput!) {
  customerCreate(input: $input) { customer { databaseId } errors { message } }
}"""
TELL = """mutation ($id: ID!, $trait: String!, $word: String!, $payload: JSON!, $external: String!) {
  consentGrant(input: {
    customerId: $id, purpose: "marketing.own", channel: "email", reason: $word, evidence: {form: $word}
    noticeVersion: "1", language: "en"
  }) { errors { message } }
  traitSet(input: {customerId: $id, traits: [{key: $trait, provenance: "declared", text: $word}]}) {
    errors { message }
  }
  touchpointRecord(input: {
    customerId: $id, type: "complaint", occurredAt: "2026-02-01T10:00:00Z", source: "desk"
    externalId: $external, payload: $payload
  }) { errors { message } }
  suppressionAdd(input: {kind: "complaint", customerId: $id, reason: $word}) { errors { message } }
}"""
DEFINE = """mutation {
  traitDefine(input: {key: "motto", title: "Motto", type: "text", provenance: "declared"}) { errors { message } }
}"""


@dataclass(frozen=True)
class Canary:
    """A person whose word is part of everything that is said about them."""

    number: int
    id: UUID

    @property
    def word(self) -> str:
        return word_of(self.number)

    @property
    def email(self) -> str:
        return f"{self.word}@example.org"


WORD = re.compile(rb"canary\d{4}bird")


def word_of(number: int) -> str:
    return f"canary{number:04d}bird"


async def make_canaries(app: App, count: int) -> list[Canary]:
    """Return so many people, each written over GraphQL with all that can be said of one."""
    await app.gql(DEFINE)
    return [await fill(app, number) for number in range(count)]


async def fill(app: App, number: int) -> Canary:
    word = word_of(number)
    identities = [
        {"kind": "email", "value": f"{word}@example.org"},
        {"kind": "external", "value": f"X-{word}", "source": "shop"},
        {"kind": "social", "value": f"@{word}", "source": "bluesky"},
    ]
    created = await app.gql(CREATE, {"input": {"displayName": f"Ähnlich {word}", "identities": identities}})
    assert created["customerCreate"]["errors"] == []
    id = created["customerCreate"]["customer"]["databaseId"]
    told = await app.gql(
        TELL,
        {"id": id, "trait": "motto", "word": word, "payload": {"subject": f"said {word}"}, "external": f"E-{word}"},
    )
    assert [payload["errors"] for payload in told.values()] == [[], [], [], []], told
    return Canary(number, UUID(id))


async def dump_of(database: Database) -> str:
    """Return every cell of every table as text, those of plugins and of Alembic included."""
    async with database.engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        listed = (
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            if is_sqlite
            else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        names = [row[0] for row in await connection.execute(text(listed))]
        cells = [str(tuple(row)) for name in names for row in await connection.execute(text(f'SELECT * FROM "{name}"'))]
    return "\n".join(cells)


def bytes_of(database: Database) -> bytes:
    """Return the bytes of SQLite's file and of its write-ahead log; PostgreSQL has none of its own."""
    if database.dialect != "sqlite":
        return b""
    path = str(make_url(str(database.engine.url)).database)
    files = (Path(path), Path(f"{path}-wal"))
    return b"".join(file.read_bytes() for file in files if file.exists())


async def found_in(database: Database, canaries: list[Canary]) -> dict[int, int]:
    """Return how often each person's word occurs in the dump and in the files."""
    everything = (await dump_of(database)).encode() + b"\n" + bytes_of(database)
    found = Counter(WORD.findall(everything.lower()))
    return {each.number: found[each.word.encode()] for each in canaries}


async def silent_about(database: Database, canary: Canary) -> list[str]:
    """Return the columns of text that hold nothing of a person, so that a search for them shows nothing."""
    silent: list[str] = []
    async with database.reading() as session:
        for table in Table.metadata.sorted_tables:
            for column in table.columns:
                values: Any = await session.scalars(select(column))
                if not any(canary.word in str(value).lower() for value in values):
                    silent.append(f"{table.name}.{column.name}")
    return silent
