"""what events mean"""

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_tracking_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("amount_properties", tables.JsonColumn(), nullable=False),
        sa.Column("currency_property", sa.String(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("channel_property", sa.String(), nullable=True),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("external_id_property", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", tables.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_tracking_event")),
        sa.UniqueConstraint("source", "event", name=op.f("uq_core_tracking_event_source_event")),
    )
    op.create_table(
        "core_tracking_event_field",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("property", sa.String(), nullable=False),
        sa.Column("times", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["core_tracking_event.id"],
            name=op.f("fk_core_tracking_event_field_event_id_core_tracking_event"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "field", name=op.f("pk_core_tracking_event_field")),
    )


def downgrade() -> None:
    op.drop_table("core_tracking_event_field")
    op.drop_table("core_tracking_event")
