"""kept answers"""

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_kept_answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("credential", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("kept_at", tables.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_kept_answer")),
        sa.UniqueConstraint("credential", "key", name=op.f("uq_core_kept_answer_credential_key")),
    )
    with op.batch_alter_table("core_kept_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_kept_answer_kept_at"), ["kept_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_kept_answer_request_id"), ["request_id"], unique=False)


def downgrade() -> None:
    op.drop_table("core_kept_answer")
