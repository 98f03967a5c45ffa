"""announcements"""

import sqlalchemy as sa
from alembic import op

import regulars

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "preference_centre_announcement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("topics", regulars.JsonColumn(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("expires_at", regulars.UtcDateTime(), nullable=True),
        sa.Column("announced_by", sa.String(), nullable=False),
        sa.Column("announced_at", regulars.UtcDateTime(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("last_customer_id", sa.Uuid(), nullable=True),
        sa.Column("last_alert_id", sa.Uuid(), nullable=True),
        sa.Column("ended_at", regulars.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preference_centre_announcement")),
        sa.UniqueConstraint("key", name=op.f("uq_preference_centre_announcement_key")),
    )
    op.create_index(
        op.f("ix_preference_centre_announcement_announced_at"), "preference_centre_announcement", ["announced_at"]
    )


def downgrade() -> None:
    op.drop_table("preference_centre_announcement")
