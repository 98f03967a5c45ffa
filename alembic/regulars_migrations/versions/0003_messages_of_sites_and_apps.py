"""messages of sites and apps"""

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_tracking_message",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("received_at", tables.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source", "message_id", name=op.f("pk_core_tracking_message")),
    )
    with op.batch_alter_table("core_tracking_message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_tracking_message_received_at"), ["received_at"], unique=False)

    op.create_table(
        "core_tracking_rejection",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("type", sa.String(), nullable=True),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("masked", tables.JsonColumn(), nullable=True),
        sa.Column("body", tables.JsonColumn(), nullable=True),
        sa.Column("received_at", tables.UtcDateTime(), nullable=False),
        sa.Column("replayed_at", tables.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_tracking_rejection")),
    )
    with op.batch_alter_table("core_tracking_rejection", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_tracking_rejection_received_at"), ["received_at"], unique=False)
        batch_op.create_index("ix_core_tracking_rejection_source", ["source", "received_at"], unique=False)

    op.create_table(
        "core_merge_suggestion",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("second_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("suggested_by", sa.String(), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.Column("dismissed_at", tables.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["first_id"], ["core_customer.id"], name=op.f("fk_core_merge_suggestion_first_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["second_id"], ["core_customer.id"], name=op.f("fk_core_merge_suggestion_second_id_core_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_merge_suggestion")),
        sa.UniqueConstraint("first_id", "second_id", name=op.f("uq_core_merge_suggestion_first_id_second_id")),
    )
    with op.batch_alter_table("core_merge_suggestion", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_merge_suggestion_second_id"), ["second_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("core_merge_suggestion", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_merge_suggestion_second_id"))

    op.drop_table("core_merge_suggestion")
    with op.batch_alter_table("core_tracking_rejection", schema=None) as batch_op:
        batch_op.drop_index("ix_core_tracking_rejection_source")
        batch_op.drop_index(batch_op.f("ix_core_tracking_rejection_received_at"))

    op.drop_table("core_tracking_rejection")
    with op.batch_alter_table("core_tracking_message", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_tracking_message_received_at"))

    op.drop_table("core_tracking_message")
