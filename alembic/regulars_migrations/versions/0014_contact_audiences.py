"""contact: audiences, and the time zones in which customers may be"""

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_zone_candidate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("provenance", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("noted_at", tables.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_zone_candidate_customer_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["core_customer.id"], name=op.f("fk_core_zone_candidate_profile_id_core_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_zone_candidate")),
    )
    op.create_index(op.f("ix_core_zone_candidate_customer_id"), "core_zone_candidate", ["customer_id"])

    op.create_table(
        "core_contact_audience",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", tables.UtcDateTime(), nullable=False),
        sa.Column("request", tables.JsonColumn(), nullable=False),
        sa.Column("customer_ids", tables.JsonColumn(), nullable=True),
        sa.Column("segment", tables.JsonColumn(), nullable=True),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("counts", tables.JsonColumn(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_contact_audience")),
    )

    op.create_table(
        "core_contact_verdict",
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("until", tables.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("audience_id", "customer_id", name=op.f("pk_core_contact_verdict")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("core_contact_verdict")
    op.drop_table("core_contact_audience")
    op.drop_table("core_zone_candidate")
