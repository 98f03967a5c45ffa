"""what stands against contacts"""

import sqlalchemy as sa
from alembic import op

from regulars import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def columns() -> dict[str, tuple[sa.Column[object], ...]]:
    return {
        "holdout": (sa.Column("experiment", sa.String(), nullable=False),),
        "case": (
            sa.Column("case_id", sa.String(), nullable=False),
            sa.Column("opened_at", UtcDateTime(), nullable=False),
            sa.Column("solved_at", UtcDateTime(), nullable=True),
            sa.Column("reopened_at", UtcDateTime(), nullable=True),
            sa.Column("followup_sent_at", UtcDateTime(), nullable=True),
            sa.Column("answer", sa.String(), nullable=True),
        ),
    }


def upgrade() -> None:
    for name, own in columns().items():
        table = f"cases_and_holdouts_{name}"
        op.create_table(
            table,
            sa.Column("id", sa.Uuid(), nullable=False),
            sa.Column("customer_id", sa.Uuid(), nullable=False),
            sa.Column("profile_id", sa.Uuid(), nullable=False),
            *own,
            sa.ForeignKeyConstraint(
                ["customer_id"],
                ["core_customer.id"],
                name=op.f(f"fk_{table}_customer_id_core_customer"),
                ondelete="CASCADE",
            ),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        )
        op.create_index(op.f(f"ix_{table}_customer_id"), table, ["customer_id"])


def downgrade() -> None:
    for name in reversed(columns()):
        op.drop_table(f"cases_and_holdouts_{name}")
