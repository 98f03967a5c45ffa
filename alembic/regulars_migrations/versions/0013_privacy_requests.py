"""privacy requests"""

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_privacy_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("received_at", tables.UtcDateTime(), nullable=False),
        sa.Column("due_at", tables.UtcDateTime(), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.Column("completed_at", tables.UtcDateTime(), nullable=True),
        sa.Column("checked_at", tables.UtcDateTime(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("certificate", tables.JsonColumn(), nullable=True),
        sa.Column("archive", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_privacy_request_customer_id_core_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_privacy_request")),
    )
    for column in ("status", "customer_id", "due_at", "created_at"):
        op.create_index(op.f(f"ix_core_privacy_request_{column}"), "core_privacy_request", [column])


def downgrade() -> None:
    op.drop_table("core_privacy_request")
