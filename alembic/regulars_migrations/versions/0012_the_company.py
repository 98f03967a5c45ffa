"""the company"""

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_company",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("time_zone", sa.String(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("languages", tables.JsonColumn(), nullable=True),
        sa.Column("support_address", sa.String(), nullable=True),
        sa.Column("accent", sa.String(), nullable=True),
        sa.Column("logo", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", tables.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_company")),
    )


def downgrade() -> None:
    op.drop_table("core_company")
