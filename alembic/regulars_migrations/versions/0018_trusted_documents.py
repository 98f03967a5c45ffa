"""trusted documents"""

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_trusted_document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("registered_by", sa.String(), nullable=False),
        sa.Column("registered_at", tables.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_trusted_document")),
        sa.UniqueConstraint("sha256", name=op.f("uq_core_trusted_document_sha256")),
    )


def downgrade() -> None:
    op.drop_table("core_trusted_document")
