"""objections to facts"""

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

STANDS = sa.text("lifted_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "core_trait_objection",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.Column("lifted_at", tables.UtcDateTime(), nullable=True),
        sa.Column("lifted_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_trait_objection_customer_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["core_customer.id"], name=op.f("fk_core_trait_objection_profile_id_core_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_trait_objection")),
    )
    with op.batch_alter_table("core_trait_objection", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_trait_objection_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index("ix_core_trait_objection_key", ["key", "kind"], unique=False)
        batch_op.create_index(
            "uq_core_trait_objection_standing",
            ["profile_id", "key", "kind", "method"],
            unique=True,
            sqlite_where=STANDS,
            postgresql_where=STANDS,
        )


def downgrade() -> None:
    op.drop_table("core_trait_objection")
