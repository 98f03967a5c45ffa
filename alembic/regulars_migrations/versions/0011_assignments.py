"""assignments"""

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_assignment_programme",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("unit_kind", sa.String(), nullable=False),
        sa.Column("layer", sa.String(), nullable=True),
        sa.Column("seed", sa.String(), nullable=False),
        sa.Column("arms", tables.JsonColumn(), nullable=False),
        sa.Column("has_holdout", sa.Boolean(), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.Column("closed_at", tables.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_assignment_programme")),
        sa.UniqueConstraint("owner", "key", name=op.f("uq_core_assignment_programme_owner_key")),
    )
    op.create_table(
        "core_assignment",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("arm", sa.String(), nullable=False),
        sa.Column("entry_value", sa.Float(), nullable=False),
        sa.Column("arm_value", sa.Float(), nullable=False),
        sa.Column("layer", sa.String(), nullable=True),
        sa.Column("assigned_at", tables.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["core_assignment_programme.id"],
            name=op.f("fk_core_assignment_programme_id_core_assignment_programme"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("programme_id", "unit", name=op.f("pk_core_assignment")),
    )
    with op.batch_alter_table("core_assignment", schema=None) as batch_op:
        batch_op.create_index("ix_core_assignment_unit", ["unit"], unique=False)
        batch_op.create_index(
            "uq_core_assignment_layer",
            ["layer", "unit"],
            unique=True,
            sqlite_where=sa.text("layer IS NOT NULL"),
            postgresql_where=sa.text("layer IS NOT NULL"),
        )
    op.create_table(
        "core_assignment_holdout",
        sa.Column("unit_kind", sa.String(), nullable=False),
        sa.Column("seed", sa.String(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("until", tables.UtcDateTime(), nullable=True),
        sa.Column("set_at", tables.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("unit_kind", name=op.f("pk_core_assignment_holdout")),
    )


def downgrade() -> None:
    op.drop_table("core_assignment_holdout")
    op.drop_table("core_assignment")
    op.drop_table("core_assignment_programme")
