"""Rows of customers, touchpoints, consents and lifetime values: the same at every run, made once and kept."""

import asyncio
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import asyncpg
from cluster import Cluster
from plugin import use_plugin

from regulars.database import open_engine
from regulars.migrations import upgrade
from regulars.plugins.joining.discovery import discover
from regulars.revisions import CORE, MigrationOwner
from regulars.settings import Settings

__all__ = ["REGULARS", "TABLES", "customer_id", "database_of", "forget_changes", "make_tables"]

ROOT = Path(__file__).parents[2]
REGULARS = str(Path(sys.executable).parent / "regulars")
TABLES = (
    "core_customer",
    "core_customer_identity",
    "core_touchpoint",
    "core_consent_event",
    "core_consent_state",
    "clv_score",
)


def customer_id(number: int) -> UUID:
    """Return the id of the customer with this number, counted from 1."""
    return UUID(f"00000000-0000-7000-8000-{number:012x}")


def _id(prefix: str, number: str) -> str:
    return f"('{prefix}-0000-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"


# The touchpoints are skewed: the median customer has 11 of 20, the busiest per cent 143 and more.
STATEMENTS = (
    "SELECT setseed(0.42)",
    f"""INSERT INTO core_customer
        (id, display_name, language, time_zone, jurisdiction, age, has_guardian_consent, status, version,
         created_at, updated_at)
        SELECT {_id("00000000", "i")}, 'Customer ' || md5(i::text), 'en', 'Europe/Berlin', 'DE', 'adult', false,
               'active', 1, t, t
        FROM (SELECT i, timestamptz '2020-01-01 00:00:00+00' + random() * 2000 * interval '1 day' AS t
              FROM generate_series(1, $1::bigint) i) s""",
    f"""INSERT INTO core_customer_identity
        (id, customer_id, profile_id, kind, source, value, normalised, verified_at, created_at)
        SELECT {_id("00000001", "i")}, {_id("00000000", "i")}, {_id("00000000", "i")}, 'email', '',
               'user' || i || '@example.com', 'user' || i || '@example.com', now(), now()
        FROM generate_series(1, $1::bigint) i""",
    f"""INSERT INTO core_touchpoint
        (id, customer_id, profile_id, type, channel, occurred_at, received_at, amount, currency, source, external_id)
        SELECT {_id("00000002", "i")}, c, c, (array['visit', 'order', 'service', 'refund', 'complaint'])[1 + i % 5],
               (array['email', 'sms', 'web', 'app', 'call', 'store'])[1 + floor(r * 6)::int], t, t,
               round((r * 200)::numeric, 2), 'EUR', 'shop', 'x' || i
        FROM (SELECT i, random() AS r, timestamptz '2023-01-01 00:00:00+00' + random() * 1000 * interval '1 day' AS t,
                     {_id("00000000", "(1 + floor($1::bigint * power(random(), 3))::bigint % $1::bigint)")} AS c
              FROM generate_series(1, 20 * $1::bigint) i) s""",
    f"""INSERT INTO core_consent_event
        (id, customer_id, profile_id, action, purpose, channel, topic, at, recorded_at, actor, origin, basis,
         needs_confirmation, is_proven)
        SELECT {_id("00000003", "i")}, {_id("00000000", "1 + (i - 1) / 4")}, {_id("00000000", "1 + (i - 1) / 4")},
               'grant', (array['marketing.own', 'research'])[1 + (i - 1) % 2],
               (array['email', 'sms'])[1 + ((i - 1) / 2) % 2], '*', now(), now(), 'system', 'customer', 'express',
               false, false
        FROM generate_series(1, 4 * $1::bigint) i""",
    """INSERT INTO core_consent_state (customer_id, purpose, channel, topic, status, since, reason, event_id)
        SELECT customer_id, purpose, channel, topic,
               CASE WHEN random() < 0.6 THEN 'granted' ELSE 'withdrawn' END, at, 'They said so.', id
        FROM core_consent_event""",
    f"""INSERT INTO clv_score
        (customer_id, currency, value, low, high, level, past_profit, net_value, tier, percentile, p_alive,
         expected_orders, horizon_months, discount_rate, is_overdue, model_version, as_of, warnings, is_stale)
        SELECT {_id("00000000", "i")}, 'EUR', v, v / 2, v * 2, 0.95, v, v,
               CASE WHEN r < 0.6 THEN 'bronze' WHEN r < 0.85 THEN 'silver' WHEN r < 0.96 THEN 'gold'
                    ELSE 'platinum' END,
               100 * r, r, 3 * r, 12, 0.01, false, 'bench', timestamptz '2025-01-01 00:00:00+00', '[]', false
        FROM (SELECT i, random() AS r, round((exp(ln(50) + 4 * random()))::numeric, 2) AS v
              FROM generate_series(1, $1::bigint) i) s""",
)

INDEXES = """
SELECT c.relname AS name, t.relname AS of_table, pg_get_indexdef(c.oid) AS made_by, k.conname AS rule,
       pg_get_constraintdef(k.oid) AS rule_made_by
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
LEFT JOIN pg_constraint k ON k.conindid = c.oid AND k.contype = 'u'
WHERE t.relname = ANY($1) AND NOT i.indisprimary"""


def database_of(cluster: Cluster, customers: int) -> str:
    """Return the name of the database with this many customers, which is made if it is not there."""
    name = f"bench_{customers}_{_edition()}"
    rows = cluster.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")
    known = {row["datname"] for row in rows}
    if name in known:
        return name
    began = time.perf_counter()
    print(f"making {customers} customers…", flush=True)
    stale = [each for each in known if each.startswith(f"bench_{customers}_") or each == "making"]
    cluster.execute("SELECT 1", *(f'DROP DATABASE "{each}" WITH (FORCE)' for each in stale))
    cluster.set_durable(False)
    cluster.execute('CREATE DATABASE "making"')
    make_tables(cluster.url("making"))
    asyncio.run(_fill(cluster.url("making"), customers))
    cluster.execute(f'ALTER DATABASE "making" RENAME TO "{name}"')
    print(f"made in {time.perf_counter() - began:.0f} s", flush=True)
    return name


def forget_changes(cluster: Cluster, database: str) -> None:
    """Take back what the mutations of a run have written."""
    written = "DELETE FROM core_touchpoint WHERE type = 'visit' AND occurred_at >= '2026-01-01'"
    cluster.execute(written, "TRUNCATE core_event CASCADE", "VACUUM core_touchpoint", database=database)


def _edition() -> str:
    """Return a mark of everything that decides what is in the database."""
    paths = [*ROOT.glob("alembic/regulars_migrations/versions/*.py")]
    paths += ROOT.glob("plugins/*/*/migrations/versions/*.py")
    texts = [path.read_text(encoding="utf-8") for path in sorted(paths)]
    return hashlib.sha256("".join([*texts, *STATEMENTS]).encode()).hexdigest()[:8]


def make_tables(url: str) -> None:
    use_plugin()
    found = [each for each in discover() if hasattr(each.load(), "migrations")]
    owners = [CORE, *(MigrationOwner(each.id, each.load().migrations().location) for each in found)]

    async def run() -> None:
        engine = open_engine(Settings(database_url=url))
        try:
            await upgrade(engine, owners)
        finally:
            await engine.dispose()

    asyncio.run(run())
    environment = {**os.environ, "REGULARS_DATABASE_URL": url}
    for plugin in ("clv", "stamps"):
        subprocess.run(
            [REGULARS, "plugin", "enable", plugin, "--yes"], env=environment, check=True, capture_output=True
        )


async def _fill(url: str, customers: int) -> None:
    """Write the rows without their indexes and without looking at references, then make the indexes."""
    connection = await asyncpg.connect(url, server_settings={"session_replication_role": "replica"})
    try:
        await connection.execute("SET maintenance_work_mem = '1GB'")
        indexes = await connection.fetch(INDEXES, list(TABLES))
        for each in indexes:
            rule = f'ALTER TABLE {each["of_table"]} DROP CONSTRAINT "{each["rule"]}"'
            await connection.execute(f'DROP INDEX "{each["name"]}"' if each["rule"] is None else rule)
        async with connection.transaction():
            for statement in STATEMENTS:
                await connection.execute(statement, *([customers] if "$1" in statement else []), timeout=7200)
        for each in indexes:
            rule = f'ALTER TABLE {each["of_table"]} ADD CONSTRAINT "{each["rule"]}" {each["rule_made_by"]}'
            await connection.execute(each["made_by"] if each["rule"] is None else rule, timeout=7200)
        await connection.execute("VACUUM ANALYZE", timeout=7200)
        await connection.execute("CHECKPOINT", timeout=7200)
    finally:
        await connection.close()
