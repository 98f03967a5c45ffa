"""webhooks"""

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_webhook",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("event_types", tables.JsonColumn(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.Column("updated_at", tables.UtcDateTime(), nullable=False),
        sa.Column("failing_since", tables.UtcDateTime(), nullable=True),
        sa.Column("disabled_at", tables.UtcDateTime(), nullable=True),
        sa.Column("disabled_reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_webhook")),
    )
    op.create_table(
        "core_webhook_secret",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.Column("expires_at", tables.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["core_webhook.id"],
            name=op.f("fk_core_webhook_secret_webhook_id_core_webhook"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_webhook_secret")),
    )
    with op.batch_alter_table("core_webhook_secret", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_webhook_secret_webhook_id"), ["webhook_id"], unique=False)
    op.create_table(
        "core_webhook_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempts_before", sa.Integer(), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.Column("next_at", tables.UtcDateTime(), nullable=True),
        sa.Column("ended_at", tables.UtcDateTime(), nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["core_event.id"],
            name=op.f("fk_core_webhook_delivery_event_id_core_event"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["core_webhook.id"],
            name=op.f("fk_core_webhook_delivery_webhook_id_core_webhook"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_webhook_delivery")),
        sa.UniqueConstraint("event_id", "webhook_id", name=op.f("uq_core_webhook_delivery_event_id_webhook_id")),
    )
    with op.batch_alter_table("core_webhook_delivery", schema=None) as batch_op:
        batch_op.create_index("ix_core_webhook_delivery_webhook_id_created_at", ["webhook_id", "created_at"])
        batch_op.create_index(
            "ix_core_webhook_delivery_waiting",
            ["webhook_id", "next_at"],
            unique=False,
            sqlite_where=sa.text("next_at IS NOT NULL"),
            postgresql_where=sa.text("next_at IS NOT NULL"),
        )
    op.create_table(
        "core_webhook_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", tables.UtcDateTime(), nullable=False),
        sa.Column("ended_at", tables.UtcDateTime(), nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["core_webhook_delivery.id"],
            name=op.f("fk_core_webhook_attempt_delivery_id_core_webhook_delivery"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_webhook_attempt")),
    )
    with op.batch_alter_table("core_webhook_attempt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_webhook_attempt_delivery_id"), ["delivery_id"], unique=False)


def downgrade() -> None:
    op.drop_table("core_webhook_attempt")
    op.drop_table("core_webhook_delivery")
    op.drop_table("core_webhook_secret")
    op.drop_table("core_webhook")
