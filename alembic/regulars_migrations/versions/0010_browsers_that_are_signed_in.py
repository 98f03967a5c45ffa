"""browsers that are signed in"""

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_staff_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("staff_member_id", sa.Uuid(), nullable=True),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.Column("seen_at", tables.UtcDateTime(), nullable=False),
        sa.Column("expires_at", tables.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["core_api_key.id"], name=op.f("fk_core_staff_session_key_id_core_api_key")
        ),
        sa.ForeignKeyConstraint(
            ["staff_member_id"],
            ["core_staff_member.id"],
            name=op.f("fk_core_staff_session_staff_member_id_core_staff_member"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_staff_session")),
        sa.UniqueConstraint("hash", name=op.f("uq_core_staff_session_hash")),
    )
    with op.batch_alter_table("core_staff_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_staff_session_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_staff_session_key_id"), ["key_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_staff_session_staff_member_id"), ["staff_member_id"], unique=False)


def downgrade() -> None:
    op.drop_table("core_staff_session")
