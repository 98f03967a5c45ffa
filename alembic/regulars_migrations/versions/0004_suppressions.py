"""the suppression list"""

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STANDS_FOR_ADDRESS = sa.text("address_hash IS NOT NULL AND lifted_at IS NULL")
STANDS_FOR_CUSTOMER = sa.text("profile_id IS NOT NULL AND lifted_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "core_suppression",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address_hash", sa.String(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("profile_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.Column("lifted_at", tables.UtcDateTime(), nullable=True),
        sa.Column("lifted_by", sa.String(), nullable=True),
        sa.Column("lift_reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_suppression_customer_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["core_customer.id"], name=op.f("fk_core_suppression_profile_id_core_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_suppression")),
    )
    op.create_index(
        "uq_core_suppression_address",
        "core_suppression",
        ["address_hash", "kind", "channel"],
        unique=True,
        sqlite_where=STANDS_FOR_ADDRESS,
        postgresql_where=STANDS_FOR_ADDRESS,
    )
    op.create_index(
        "uq_core_suppression_profile",
        "core_suppression",
        ["profile_id", "kind", "channel"],
        unique=True,
        sqlite_where=STANDS_FOR_CUSTOMER,
        postgresql_where=STANDS_FOR_CUSTOMER,
    )
    op.create_index(op.f("ix_core_suppression_customer_id"), "core_suppression", ["customer_id"])
    op.create_index(op.f("ix_core_suppression_created_at"), "core_suppression", ["created_at"])
    op.create_table(
        "core_suppressed_identity",
        sa.Column("suppression_id", sa.Uuid(), nullable=False),
        sa.Column("identity_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["suppression_id"],
            ["core_suppression.id"],
            name=op.f("fk_core_suppressed_identity_suppression_id_core_suppression"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["core_customer_identity.id"],
            name=op.f("fk_core_suppressed_identity_identity_id_core_customer_identity"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("suppression_id", "identity_id", name=op.f("pk_core_suppressed_identity")),
    )
    op.create_index(op.f("ix_core_suppressed_identity_identity_id"), "core_suppressed_identity", ["identity_id"])


def downgrade() -> None:
    op.drop_table("core_suppressed_identity")
    op.drop_table("core_suppression")
