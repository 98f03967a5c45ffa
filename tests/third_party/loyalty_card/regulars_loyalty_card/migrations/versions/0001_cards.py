"""cards"""

import sqlalchemy as sa
from alembic import op

import regulars

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "loyalty_card_account",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("counted_at", regulars.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("customer_id"),
    )
    op.create_index("ix_loyalty_card_account_points", "loyalty_card_account", ["points"])


def downgrade() -> None:
    op.drop_table("loyalty_card_account")
