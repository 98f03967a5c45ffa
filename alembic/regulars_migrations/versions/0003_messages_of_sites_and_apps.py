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


def downgrade() -> None:
    with op.batch_alter_table("core_tracking_message", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_tracking_message_received_at"))

    op.drop_table("core_tracking_message")
