"""messages"""

import sqlalchemy as sa
from alembic import op

import regulars

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("profile_id", sa.Uuid(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("contact_class", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("campaign", sa.String(), nullable=True),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("request", regulars.JsonColumn(), nullable=False),
        sa.Column("payload", regulars.JsonColumn(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("wake_on", sa.String(), nullable=True),
        sa.Column("next_at", regulars.UtcDateTime(), nullable=True),
        sa.Column("expires_at", regulars.UtcDateTime(), nullable=True),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("delivery", sa.String(), nullable=True),
        sa.Column("reservation_id", sa.Uuid(), nullable=True),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("created_at", regulars.UtcDateTime(), nullable=False),
        sa.Column("handed_over_at", regulars.UtcDateTime(), nullable=True),
        sa.Column("ended_at", regulars.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_message_customer_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["decision_id"],
            ["core_contact_decision.id"],
            name=op.f("fk_core_message_decision_id_core_contact_decision"),
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["core_customer.id"], name=op.f("fk_core_message_profile_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["reservation_id"],
            ["core_contact_touch.id"],
            name=op.f("fk_core_message_reservation_id_core_contact_touch"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_message")),
        sa.UniqueConstraint("source", "key", name=op.f("uq_core_message_source_key")),
    )
    with op.batch_alter_table("core_message", schema=None) as batch_op:
        batch_op.create_index(
            "ix_core_message_asleep",
            ["wake_on", "customer_id"],
            unique=False,
            sqlite_where=sa.text("wake_on IS NOT NULL"),
            postgresql_where=sa.text("wake_on IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_core_message_created_at"), ["created_at"], unique=False)
        batch_op.create_index(
            "ix_core_message_due",
            ["next_at", "id"],
            unique=False,
            sqlite_where=sa.text("next_at IS NOT NULL"),
            postgresql_where=sa.text("next_at IS NOT NULL"),
        )
        batch_op.create_index("ix_core_message_history", ["customer_id", "created_at", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("core_message", schema=None) as batch_op:
        batch_op.drop_index("ix_core_message_history")
        batch_op.drop_index(
            "ix_core_message_due",
            sqlite_where=sa.text("next_at IS NOT NULL"),
            postgresql_where=sa.text("next_at IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_core_message_created_at"))
        batch_op.drop_index(
            "ix_core_message_asleep",
            sqlite_where=sa.text("wake_on IS NOT NULL"),
            postgresql_where=sa.text("wake_on IS NOT NULL"),
        )

    op.drop_table("core_message")
