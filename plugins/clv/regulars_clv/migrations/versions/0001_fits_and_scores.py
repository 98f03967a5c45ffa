"""fits and scores"""

import sqlalchemy as sa
from alembic import op

import regulars

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "clv_model",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("data_until", regulars.UtcDateTime(), nullable=False),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.Column("repeaters", sa.Integer(), nullable=False),
        sa.Column("log_likelihood", sa.Float(), nullable=False),
        sa.Column("is_degenerate", sa.Boolean(), nullable=False),
        sa.Column("report", regulars.JsonColumn(), nullable=False),
        sa.Column("settings", regulars.JsonColumn(), nullable=False),
        sa.Column("warnings", regulars.JsonColumn(), nullable=False),
        sa.Column("fitted_at", regulars.UtcDateTime(), nullable=False),
        sa.Column("activated_at", regulars.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clv_model")),
        sa.UniqueConstraint("version", name=op.f("uq_clv_model_version")),
    )
    with op.batch_alter_table("clv_model", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_clv_model_fitted_at"), ["fitted_at"], unique=False)

    op.create_table(
        "clv_score",
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("low", regulars.Amount(), nullable=True),
        sa.Column("high", regulars.Amount(), nullable=True),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("past_profit", regulars.Amount(), nullable=False),
        sa.Column("acquisition_cost", regulars.Amount(), nullable=True),
        sa.Column("net_value", regulars.Amount(), nullable=True),
        sa.Column("value", regulars.Amount(), nullable=True),
        sa.Column("tier", sa.String(), nullable=True),
        sa.Column("percentile", sa.Float(), nullable=True),
        sa.Column("p_alive", sa.Float(), nullable=True),
        sa.Column("expected_orders", sa.Float(), nullable=False),
        sa.Column("expected_order_value", regulars.Amount(), nullable=True),
        sa.Column("horizon_months", sa.Integer(), nullable=False),
        sa.Column("discount_rate", regulars.Amount(), nullable=False),
        sa.Column("is_overdue", sa.Boolean(), nullable=False),
        sa.Column("model_version", sa.String(), nullable=False),
        sa.Column("as_of", regulars.UtcDateTime(), nullable=False),
        sa.Column("warnings", regulars.JsonColumn(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("is_stale", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["core_customer.id"],
            name=op.f("fk_clv_score_customer_id_core_customer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_clv_score")),
    )
    with op.batch_alter_table("clv_score", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_clv_score_tier"), ["tier"], unique=False)
        batch_op.create_index(batch_op.f("ix_clv_score_value"), ["value"], unique=False)

    op.create_table(
        "clv_past_score",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("low", regulars.Amount(), nullable=True),
        sa.Column("high", regulars.Amount(), nullable=True),
        sa.Column("horizon_months", sa.Integer(), nullable=False),
        sa.Column("model_version", sa.String(), nullable=False),
        sa.Column("as_of", regulars.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["core_customer.id"],
            name=op.f("fk_clv_past_score_customer_id_core_customer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("customer_id", "month", name=op.f("pk_clv_past_score")),
    )
    op.create_table(
        "clv_staged_score",
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("value", regulars.Amount(), nullable=True),
        sa.Column("low", regulars.Amount(), nullable=True),
        sa.Column("high", regulars.Amount(), nullable=True),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("past_profit", regulars.Amount(), nullable=False),
        sa.Column("acquisition_cost", regulars.Amount(), nullable=True),
        sa.Column("net_value", regulars.Amount(), nullable=True),
        sa.Column("tier", sa.String(), nullable=True),
        sa.Column("percentile", sa.Float(), nullable=True),
        sa.Column("p_alive", sa.Float(), nullable=True),
        sa.Column("expected_orders", sa.Float(), nullable=False),
        sa.Column("expected_order_value", regulars.Amount(), nullable=True),
        sa.Column("horizon_months", sa.Integer(), nullable=False),
        sa.Column("discount_rate", regulars.Amount(), nullable=False),
        sa.Column("is_overdue", sa.Boolean(), nullable=False),
        sa.Column("model_version", sa.String(), nullable=False),
        sa.Column("as_of", regulars.UtcDateTime(), nullable=False),
        sa.Column("warnings", regulars.JsonColumn(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["core_customer.id"],
            name=op.f("fk_clv_staged_score_customer_id_core_customer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run", "customer_id", name=op.f("pk_clv_staged_score")),
    )


def downgrade() -> None:

    op.drop_table("clv_staged_score")
    op.drop_table("clv_past_score")
    with op.batch_alter_table("clv_score", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_clv_score_value"))
        batch_op.drop_index(batch_op.f("ix_clv_score_tier"))

    op.drop_table("clv_score")
    with op.batch_alter_table("clv_model", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_clv_model_fitted_at"))

    op.drop_table("clv_model")
