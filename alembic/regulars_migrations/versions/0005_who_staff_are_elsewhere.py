"""who staff are elsewhere"""

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_staff_identity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_member_id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_member_id"],
            ["core_staff_member.id"],
            name=op.f("fk_core_staff_identity_staff_member_id_core_staff_member"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_staff_identity")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_core_staff_identity_issuer_subject")),
    )
    with op.batch_alter_table("core_staff_identity", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_staff_identity_staff_member_id"), ["staff_member_id"], unique=False)


def downgrade() -> None:
    op.drop_table("core_staff_identity")
