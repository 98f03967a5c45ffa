"""links of customers"""

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_magic_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("address_hash", sa.String(), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.Column("expires_at", tables.UtcDateTime(), nullable=False),
        sa.Column("used_at", tables.UtcDateTime(), nullable=True),
        sa.Column("superseded_at", tables.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_magic_link_customer_id_core_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_magic_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_core_magic_link_token_hash")),
    )
    with op.batch_alter_table("core_magic_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_magic_link_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "core_customer_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.Column("expires_at", tables.UtcDateTime(), nullable=False),
        sa.Column("ended_at", tables.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_customer_session_customer_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["link_id"], ["core_magic_link.id"], name=op.f("fk_core_customer_session_link_id_core_magic_link")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_customer_session")),
        sa.UniqueConstraint("link_id", name=op.f("uq_core_customer_session_link_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_core_customer_session_token_hash")),
    )
    with op.batch_alter_table("core_customer_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_customer_session_customer_id"), ["customer_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("core_customer_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_customer_session_customer_id"))
    op.drop_table("core_customer_session")
    with op.batch_alter_table("core_magic_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_magic_link_customer_id"))
    op.drop_table("core_magic_link")
