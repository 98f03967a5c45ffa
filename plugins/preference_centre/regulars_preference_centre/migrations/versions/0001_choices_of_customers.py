"""choices of customers"""

import sqlalchemy as sa
from alembic import op

import regulars

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "preference_centre_question",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=True),
        sa.Column("titles", regulars.JsonColumn(), nullable=False),
        sa.Column("options", regulars.JsonColumn(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", regulars.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_preference_centre_question")),
    )
    op.create_table(
        "preference_centre_stream",
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("channels", regulars.JsonColumn(), nullable=False),
        sa.Column("titles", regulars.JsonColumn(), nullable=False),
        sa.Column("descriptions", regulars.JsonColumn(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", regulars.UtcDateTime(), nullable=False),
        sa.Column("retired_at", regulars.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_preference_centre_stream")),
    )
    op.create_table(
        "preference_centre_alert",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("ends_at", regulars.UtcDateTime(), nullable=True),
        sa.Column("created_at", regulars.UtcDateTime(), nullable=False),
        sa.Column("cancelled_at", regulars.UtcDateTime(), nullable=True),
        sa.Column("told_at", regulars.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["core_customer.id"],
            name=op.f("fk_preference_centre_alert_customer_id_core_customer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preference_centre_alert")),
    )
    with op.batch_alter_table("preference_centre_alert", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_preference_centre_alert_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(
            "ix_preference_centre_alert_waiting",
            ["topic", "customer_id"],
            unique=False,
            sqlite_where=sa.text("cancelled_at IS NULL"),
            postgresql_where=sa.text("cancelled_at IS NULL"),
        )

    op.create_table(
        "preference_centre_answer",
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("may_be_used", sa.Boolean(), nullable=False),
        sa.Column("told_to", sa.String(), nullable=False),
        sa.Column("told_at", regulars.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["core_customer.id"],
            name=op.f("fk_preference_centre_answer_customer_id_core_customer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("profile_id", "key", name=op.f("pk_preference_centre_answer")),
    )
    with op.batch_alter_table("preference_centre_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_preference_centre_answer_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "preference_centre_cap",
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("window_h", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=True),
        sa.Column("changed_at", regulars.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["core_customer.id"],
            name=op.f("fk_preference_centre_cap_customer_id_core_customer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("profile_id", "channel", "topic", "window_h", name=op.f("pk_preference_centre_cap")),
    )
    with op.batch_alter_table("preference_centre_cap", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_preference_centre_cap_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "preference_centre_channel",
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("changed_at", regulars.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["core_customer.id"],
            name=op.f("fk_preference_centre_channel_customer_id_core_customer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("profile_id", "channel", name=op.f("pk_preference_centre_channel")),
    )
    with op.batch_alter_table("preference_centre_channel", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_preference_centre_channel_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "preference_centre_choices",
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("quiet_from", sa.String(), nullable=True),
        sa.Column("quiet_to", sa.String(), nullable=True),
        sa.Column("updated_at", regulars.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["core_customer.id"],
            name=op.f("fk_preference_centre_choices_customer_id_core_customer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("profile_id", name=op.f("pk_preference_centre_choices")),
    )
    with op.batch_alter_table("preference_centre_choices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_preference_centre_choices_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "preference_centre_hours_consent",
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("given_at", regulars.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["core_customer.id"],
            name=op.f("fk_preference_centre_hours_consent_customer_id_core_customer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("profile_id", "channel", name=op.f("pk_preference_centre_hours_consent")),
    )
    with op.batch_alter_table("preference_centre_hours_consent", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_preference_centre_hours_consent_customer_id"), ["customer_id"], unique=False
        )

    op.create_table(
        "preference_centre_pause",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("begins_at", regulars.UtcDateTime(), nullable=False),
        sa.Column("ends_at", regulars.UtcDateTime(), nullable=True),
        sa.Column("lifted_at", regulars.UtcDateTime(), nullable=True),
        sa.Column("created_at", regulars.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["core_customer.id"],
            name=op.f("fk_preference_centre_pause_customer_id_core_customer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preference_centre_pause")),
    )
    with op.batch_alter_table("preference_centre_pause", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_preference_centre_pause_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "preference_centre_stop",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("browser_hash", sa.String(), nullable=False),
        sa.Column("stopped_at", regulars.UtcDateTime(), nullable=False),
        sa.Column("undo_until", regulars.UtcDateTime(), nullable=False),
        sa.Column("undone_at", regulars.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["core_customer.id"],
            name=op.f("fk_preference_centre_stop_customer_id_core_customer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preference_centre_stop")),
        sa.UniqueConstraint("browser_hash", name=op.f("uq_preference_centre_stop_browser_hash")),
    )
    with op.batch_alter_table("preference_centre_stop", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_preference_centre_stop_customer_id"), ["customer_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("preference_centre_stop", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_preference_centre_stop_customer_id"))

    op.drop_table("preference_centre_stop")
    with op.batch_alter_table("preference_centre_pause", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_preference_centre_pause_customer_id"))

    op.drop_table("preference_centre_pause")
    with op.batch_alter_table("preference_centre_hours_consent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_preference_centre_hours_consent_customer_id"))

    op.drop_table("preference_centre_hours_consent")
    with op.batch_alter_table("preference_centre_choices", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_preference_centre_choices_customer_id"))

    op.drop_table("preference_centre_choices")
    with op.batch_alter_table("preference_centre_channel", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_preference_centre_channel_customer_id"))

    op.drop_table("preference_centre_channel")
    with op.batch_alter_table("preference_centre_cap", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_preference_centre_cap_customer_id"))

    op.drop_table("preference_centre_cap")
    with op.batch_alter_table("preference_centre_answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_preference_centre_answer_customer_id"))

    op.drop_table("preference_centre_answer")
    with op.batch_alter_table("preference_centre_alert", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_preference_centre_alert_waiting",
            sqlite_where=sa.text("cancelled_at IS NULL"),
            postgresql_where=sa.text("cancelled_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_preference_centre_alert_customer_id"))

    op.drop_table("preference_centre_alert")
    op.drop_table("preference_centre_stream")
    op.drop_table("preference_centre_question")
