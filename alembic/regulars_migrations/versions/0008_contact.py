"""contact: policies, decisions and slots"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

FIRST_POLICY = {
    "default_tz": "UTC",
    "quiet_hours": {channel: ["21:00", "08:00"] for channel in ("push", "sms", "voice")},
    "caps": [{"limit": 3, "window_h": 168, "channel": "*", "topic": "*"}],
    "child_directed": False,
    "retired_notices": [],
    "allowed_bases": ["express", "express_written"],
}


def upgrade() -> None:
    policies = op.create_table(
        "core_contact_policy",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("content", tables.JsonColumn(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_core_contact_policy")),
        sa.UniqueConstraint("version", name=op.f("uq_core_contact_policy_version")),
    )
    op.bulk_insert(
        policies,
        [
            {
                "number": 1,
                "version": "p1",
                "content": FIRST_POLICY,
                "reason": "The policy that holds until another is made.",
                "actor": "system",
                "created_at": datetime(2026, 1, 1, tzinfo=UTC),
            }
        ],
    )

    op.create_table(
        "core_contact_decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("profile_id", sa.Uuid(), nullable=True),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("decided_at", tables.UtcDateTime(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("contact_class", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("campaign", sa.String(), nullable=True),
        sa.Column("request", tables.JsonColumn(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("until", tables.UtcDateTime(), nullable=True),
        sa.Column("wake_on", sa.String(), nullable=True),
        sa.Column("blockers", tables.JsonColumn(), nullable=False),
        sa.Column("evidence", tables.JsonColumn(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("tzdata_version", sa.String(), nullable=False),
        sa.Column("is_zone_assumed", sa.Boolean(), nullable=False),
        sa.Column("needs", tables.JsonColumn(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_contact_decision_customer_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["core_customer.id"], name=op.f("fk_core_contact_decision_profile_id_core_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_contact_decision")),
    )
    with op.batch_alter_table("core_contact_decision", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_contact_decision_decided_at"), ["decided_at"], unique=False)
        batch_op.create_index("ix_core_contact_decision_history", ["customer_id", "decided_at", "id"], unique=False)

    op.create_table(
        "core_contact_touch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("at", tables.UtcDateTime(), nullable=False),
        sa.Column("reserved_at", tables.UtcDateTime(), nullable=False),
        sa.Column("expires_at", tables.UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", tables.UtcDateTime(), nullable=True),
        sa.Column("ended_at", tables.UtcDateTime(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("contact_class", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("campaign", sa.String(), nullable=True),
        sa.Column("request", tables.JsonColumn(), nullable=False),
        sa.Column("request_digest", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("is_over_cap", sa.Boolean(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_contact_touch_customer_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["core_customer.id"], name=op.f("fk_core_contact_touch_profile_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["decision_id"],
            ["core_contact_decision.id"],
            name=op.f("fk_core_contact_touch_decision_id_core_contact_decision"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_contact_touch")),
    )
    with op.batch_alter_table("core_contact_touch", schema=None) as batch_op:
        batch_op.create_index("ix_core_contact_touch_slots", ["customer_id", "at"], unique=False)
        batch_op.create_index(
            "uq_core_contact_touch_key",
            ["actor", "idempotency_key"],
            unique=True,
            sqlite_where=sa.text("idempotency_key IS NOT NULL"),
            postgresql_where=sa.text("idempotency_key IS NOT NULL"),
        )

    op.create_table(
        "core_gpc_signal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("at", tables.UtcDateTime(), nullable=False),
        sa.Column("recorded_at", tables.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_gpc_signal_customer_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["core_customer.id"], name=op.f("fk_core_gpc_signal_profile_id_core_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_gpc_signal")),
    )
    op.create_index(op.f("ix_core_gpc_signal_customer_id"), "core_gpc_signal", ["customer_id"])


def downgrade() -> None:
    op.drop_table("core_gpc_signal")
    op.drop_table("core_contact_touch")
    op.drop_table("core_contact_decision")
    op.drop_table("core_contact_policy")
