"""notices"""

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_notice",
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("text_sha256", sa.String(), nullable=False),
        sa.Column("published_by", sa.String(), nullable=False),
        sa.Column("published_at", tables.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("version", "language", name=op.f("pk_core_notice")),
    )


def downgrade() -> None:
    op.drop_table("core_notice")
