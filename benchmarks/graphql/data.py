"""Fill the tables of Regulars with customers, touchpoints, consents and lifetime values, the same at every run."""

from uuid import UUID

import asyncpg

__all__ = ["customer_id", "fill"]

TIERS = ("bronze", "silver", "gold", "platinum")


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


async def fill(url: str, customers: int) -> None:
    """Write the rows into a database that has the tables already."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            for statement in STATEMENTS:
                await connection.execute(statement, *([customers] if "$1" in statement else []), timeout=3600)
        await connection.execute("VACUUM ANALYZE", timeout=3600)
    finally:
        await connection.close()
