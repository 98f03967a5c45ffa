"""the first tables"""

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A row of the ledger of consents stays as it was written; only whose it is today follows merges.
LEDGER_COLUMNS = (
    "id", "profile_id", "action", "purpose", "channel", "topic", "at", "recorded_at", "expires_at", "actor", "origin",
    "basis", "recipient", "session", "needs_confirmation", "confirmed_at", "confirms_id", "is_proven",
    "notice_version", "language", "text_sha256", "words_hmac",
)  # fmt: skip


def upgrade() -> None:

    op.create_table(
        "core_customer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("time_zone", sa.String(), nullable=True),
        sa.Column("jurisdiction", sa.String(), nullable=True),
        sa.Column("age", sa.String(), nullable=False),
        sa.Column("has_guardian_consent", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.Column("updated_at", tables.UtcDateTime(), nullable=False),
        sa.Column("deleted_at", tables.UtcDateTime(), nullable=True),
        sa.Column("merged_into_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["core_customer.id"], name=op.f("fk_core_customer_merged_into_id_core_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_customer")),
    )
    with op.batch_alter_table("core_customer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_customer_display_name"), ["display_name"], unique=False)
        batch_op.create_index(
            "ix_core_customer_merged_into_id",
            ["merged_into_id"],
            unique=False,
            sqlite_where=sa.text("merged_into_id IS NOT NULL"),
            postgresql_where=sa.text("merged_into_id IS NOT NULL"),
        )
        batch_op.create_index("ix_core_customer_newest", ["created_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_customer_status"), ["status"], unique=False)

    op.create_table(
        "core_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("data", tables.JsonColumn(), nullable=False),
        sa.Column("occurred_at", tables.UtcDateTime(), nullable=False),
        sa.Column("recorded_at", tables.UtcDateTime(), nullable=False),
        sa.Column("dispatched_at", tables.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_event")),
    )
    with op.batch_alter_table("core_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_event_recorded_at"), ["recorded_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_event_subject"), ["subject"], unique=False)
        batch_op.create_index(
            "ix_core_event_waiting",
            ["id"],
            unique=False,
            sqlite_where=sa.text("dispatched_at IS NULL"),
            postgresql_where=sa.text("dispatched_at IS NULL"),
        )

    op.create_table(
        "core_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("read_bytes", sa.BigInteger(), nullable=False),
        sa.Column("read_lines", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("customers", sa.BigInteger(), nullable=False),
        sa.Column("rejects_file", sa.String(), nullable=True),
        sa.Column("rejects_size", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.Column("updated_at", tables.UtcDateTime(), nullable=False),
        sa.Column("ended_at", tables.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_import")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_core_import_fingerprint")),
    )
    op.create_table(
        "core_job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("input", tables.JsonColumn(), nullable=False),
        sa.Column("result", tables.JsonColumn(), nullable=True),
        sa.Column("checkpoint", tables.JsonColumn(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("lease_until", tables.UtcDateTime(), nullable=True),
        sa.Column("run_after", tables.UtcDateTime(), nullable=False),
        sa.Column("is_cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.Column("started_at", tables.UtcDateTime(), nullable=True),
        sa.Column("ended_at", tables.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_job")),
        sa.UniqueConstraint("kind", "key", name=op.f("uq_core_job_kind_key")),
    )
    with op.batch_alter_table("core_job", schema=None) as batch_op:
        batch_op.create_index("ix_core_job_waiting", ["status", "run_after", "id"], unique=False)

    op.create_table(
        "core_plugin",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("grants", tables.JsonColumn(), nullable=False),
        sa.Column("settings", tables.JsonColumn(), nullable=False),
        sa.Column("tables", tables.JsonColumn(), nullable=False),
        sa.Column("hooks", tables.JsonColumn(), nullable=False),
        sa.Column("accepted_at", tables.UtcDateTime(), nullable=True),
        sa.Column("updated_at", tables.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_plugin")),
    )
    op.create_table(
        "core_plugin_problem",
        sa.Column("plugin_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("is_critical", sa.Boolean(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", tables.UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", tables.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("plugin_id", "key", name=op.f("pk_core_plugin_problem")),
    )
    op.create_table(
        "core_schema_revision",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_core_schema_revision")),
    )
    op.create_table(
        "core_secret",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_core_secret")),
    )
    op.create_table(
        "core_segment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("where", tables.JsonColumn(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.Column("updated_at", tables.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_segment")),
        sa.UniqueConstraint("name", name=op.f("uq_core_segment_name")),
    )
    op.create_table(
        "core_staff_member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("manager_id", sa.Uuid(), nullable=True),
        sa.Column("deputy_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.Column("disabled_at", tables.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["deputy_id"], ["core_staff_member.id"], name=op.f("fk_core_staff_member_deputy_id_core_staff_member")
        ),
        sa.ForeignKeyConstraint(
            ["manager_id"], ["core_staff_member.id"], name=op.f("fk_core_staff_member_manager_id_core_staff_member")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_staff_member")),
    )
    op.create_table(
        "core_trait_definition",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("provenance", sa.String(), nullable=False),
        sa.Column("is_personal", sa.Boolean(), nullable=False),
        sa.Column("used_for", sa.String(), nullable=True),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_core_trait_definition")),
        sa.UniqueConstraint("key", "provenance", name=op.f("uq_core_trait_definition_key_provenance")),
    )
    op.create_table(
        "core_api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("hint", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("service_id", sa.Uuid(), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("staff_member_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("scopes", tables.JsonColumn(), nullable=True),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.Column("expires_at", tables.UtcDateTime(), nullable=False),
        sa.Column("revoked_at", tables.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_api_key_customer_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["core_api_key.id"], name=op.f("fk_core_api_key_replaces_id_core_api_key")
        ),
        sa.ForeignKeyConstraint(
            ["staff_member_id"],
            ["core_staff_member.id"],
            name=op.f("fk_core_api_key_staff_member_id_core_staff_member"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_api_key")),
        sa.UniqueConstraint("hash", name=op.f("uq_core_api_key_hash")),
    )
    with op.batch_alter_table("core_api_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_api_key_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "core_consent_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("at", tables.UtcDateTime(), nullable=False),
        sa.Column("recorded_at", tables.UtcDateTime(), nullable=False),
        sa.Column("expires_at", tables.UtcDateTime(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=True),
        sa.Column("session", sa.String(), nullable=True),
        sa.Column("needs_confirmation", sa.Boolean(), nullable=False),
        sa.Column("confirmed_at", tables.UtcDateTime(), nullable=True),
        sa.Column("confirms_id", sa.Uuid(), nullable=True),
        sa.Column("is_proven", sa.Boolean(), nullable=False),
        sa.Column("notice_version", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("text_sha256", sa.String(), nullable=True),
        sa.Column("words_hmac", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_consent_event_customer_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["core_customer.id"], name=op.f("fk_core_consent_event_profile_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["confirms_id"],
            ["core_consent_event.id"],
            name=op.f("fk_core_consent_event_confirms_id_core_consent_event"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_consent_event")),
    )
    with op.batch_alter_table("core_consent_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_consent_event_confirms_id"), ["confirms_id"], unique=False)
        batch_op.create_index("ix_core_consent_event_history", ["customer_id", "recorded_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_consent_event_recorded_at"), ["recorded_at"], unique=False)

    op.create_table(
        "core_customer_identity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("normalised", sa.String(), nullable=False),
        sa.Column("verified_at", tables.UtcDateTime(), nullable=True),
        sa.Column("retired_at", tables.UtcDateTime(), nullable=True),
        sa.Column("created_at", tables.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_customer_identity_customer_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["core_customer.id"], name=op.f("fk_core_customer_identity_profile_id_core_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_customer_identity")),
        sa.UniqueConstraint(
            "profile_id",
            "kind",
            "source",
            "normalised",
            name=op.f("uq_core_customer_identity_profile_id_kind_source_normalised"),
        ),
    )
    with op.batch_alter_table("core_customer_identity", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_customer_identity_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index("ix_core_customer_identity_value", ["normalised", "kind", "source"], unique=False)
        batch_op.create_index(
            "uq_core_customer_identity_owner",
            ["kind", "source", "normalised"],
            unique=True,
            sqlite_where=sa.text("verified_at IS NOT NULL AND retired_at IS NULL"),
            postgresql_where=sa.text("verified_at IS NOT NULL AND retired_at IS NULL"),
        )

    op.create_table(
        "core_customer_merge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("survivor_id", sa.Uuid(), nullable=False),
        sa.Column("merged_id", sa.Uuid(), nullable=False),
        sa.Column("merged_at", tables.UtcDateTime(), nullable=False),
        sa.Column("undone_at", tables.UtcDateTime(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("before", tables.JsonColumn(), nullable=False),
        sa.ForeignKeyConstraint(
            ["merged_id"], ["core_customer.id"], name=op.f("fk_core_customer_merge_merged_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["survivor_id"], ["core_customer.id"], name=op.f("fk_core_customer_merge_survivor_id_core_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_customer_merge")),
    )
    with op.batch_alter_table("core_customer_merge", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_customer_merge_merged_id"), ["merged_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_customer_merge_survivor_id"), ["survivor_id"], unique=False)

    op.create_table(
        "core_customer_word",
        sa.Column("word", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["core_customer.id"],
            name=op.f("fk_core_customer_word_customer_id_core_customer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("word", "customer_id", name=op.f("pk_core_customer_word")),
    )
    with op.batch_alter_table("core_customer_word", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_customer_word_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "core_event_delivery",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("handler", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", tables.UtcDateTime(), nullable=True),
        sa.Column("failed_at", tables.UtcDateTime(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"], ["core_event.id"], name=op.f("fk_core_event_delivery_event_id_core_event"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", "handler", name=op.f("pk_core_event_delivery")),
    )
    with op.batch_alter_table("core_event_delivery", schema=None) as batch_op:
        batch_op.create_index("ix_core_event_delivery_waiting", ["handler", "next_at", "event_id"], unique=False)

    op.create_table(
        "core_touchpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("occurred_at", tables.UtcDateTime(), nullable=False),
        sa.Column("received_at", tables.UtcDateTime(), nullable=False),
        sa.Column("amount", tables.Amount(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("cost", tables.Amount(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("payload", tables.JsonColumn(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_touchpoint_customer_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["core_customer.id"], name=op.f("fk_core_touchpoint_profile_id_core_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_touchpoint")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_core_touchpoint_source_external_id")),
    )
    with op.batch_alter_table("core_touchpoint", schema=None) as batch_op:
        batch_op.create_index("ix_core_touchpoint_timeline", ["customer_id", "occurred_at", "id"], unique=False)
        batch_op.create_index("ix_core_touchpoint_type_occurred_at", ["type", "occurred_at"], unique=False)

    op.create_table(
        "core_trait_value",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("text_value", sa.String(), nullable=True),
        sa.Column("number_value", tables.Amount(), nullable=True),
        sa.Column("boolean_value", sa.Boolean(), nullable=True),
        sa.Column("time_value", tables.UtcDateTime(), nullable=True),
        sa.Column("provenance", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("as_of", tables.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_trait_value_customer_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["key", "provenance"],
            ["core_trait_definition.key", "core_trait_definition.provenance"],
            name=op.f("fk_core_trait_value_key_core_trait_definition"),
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["core_customer.id"], name=op.f("fk_core_trait_value_profile_id_core_customer")
        ),
        sa.PrimaryKeyConstraint("customer_id", "key", "profile_id", name=op.f("pk_core_trait_value")),
        sa.CheckConstraint(
            "CASE WHEN text_value IS NULL THEN 0 ELSE 1 END + CASE WHEN number_value IS NULL THEN 0 ELSE 1 END"
            " + CASE WHEN boolean_value IS NULL THEN 0 ELSE 1 END + CASE WHEN time_value IS NULL THEN 0 ELSE 1 END = 1",
            name=op.f("ck_core_trait_value_one_value"),
        ),
    )
    with op.batch_alter_table("core_trait_value", schema=None) as batch_op:
        batch_op.create_index("ix_core_trait_value_key_number", ["key", "number_value"], unique=False)
        batch_op.create_index("ix_core_trait_value_key_text", ["key", "text_value"], unique=False)

    op.create_table(
        "core_consent_state",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("since", tables.UtcDateTime(), nullable=False),
        sa.Column("expires_at", tables.UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_core_consent_state_customer_id_core_customer")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["core_consent_event.id"], name=op.f("fk_core_consent_state_event_id_core_consent_event")
        ),
        sa.PrimaryKeyConstraint("customer_id", "purpose", "channel", "topic", name=op.f("pk_core_consent_state")),
    )
    with op.batch_alter_table("core_consent_state", schema=None) as batch_op:
        batch_op.create_index("ix_core_consent_state_scope", ["purpose", "channel", "topic", "status"], unique=False)

    # Made by hand. A later batch rebuild of the table on SQLite loses its triggers and must make them again.
    columns = ", ".join(f'"{column}"' for column in LEDGER_COLUMNS)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("""
            CREATE FUNCTION core_refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'The ledger of consents is only added to: % refused.', TG_OP
                    USING ERRCODE = 'restrict_violation';
            END $$
        """)
        op.execute(f"""
            CREATE TRIGGER core_consent_event_stays BEFORE DELETE OR UPDATE OF {columns} ON core_consent_event
            FOR EACH ROW EXECUTE FUNCTION core_refuse_ledger_change()
        """)
        op.execute("""
            CREATE TRIGGER core_consent_event_is_not_emptied BEFORE TRUNCATE ON core_consent_event
            FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_ledger_change()
        """)
    else:
        refusal = "SELECT RAISE(ABORT, 'The ledger of consents is only added to: {} refused.')"
        op.execute(f"""
            CREATE TRIGGER core_consent_event_is_not_deleted BEFORE DELETE ON core_consent_event
            BEGIN {refusal.format("DELETE")}; END
        """)
        op.execute(f"""
            CREATE TRIGGER core_consent_event_is_not_updated BEFORE UPDATE OF {columns} ON core_consent_event
            BEGIN {refusal.format("UPDATE")}; END
        """)
        # INSERT OR REPLACE deletes without asking the trigger above.
        op.execute("""
            CREATE TRIGGER core_consent_event_is_not_replaced BEFORE INSERT ON core_consent_event
            WHEN EXISTS (SELECT 1 FROM core_consent_event WHERE id = NEW.id)
            BEGIN SELECT RAISE(ABORT, 'The ledger of consents is only added to: REPLACE refused.'); END
        """)


def downgrade() -> None:

    with op.batch_alter_table("core_consent_state", schema=None) as batch_op:
        batch_op.drop_index("ix_core_consent_state_scope")

    op.drop_table("core_consent_state")
    with op.batch_alter_table("core_trait_value", schema=None) as batch_op:
        batch_op.drop_index("ix_core_trait_value_key_text")
        batch_op.drop_index("ix_core_trait_value_key_number")

    op.drop_table("core_trait_value")
    with op.batch_alter_table("core_touchpoint", schema=None) as batch_op:
        batch_op.drop_index("ix_core_touchpoint_type_occurred_at")
        batch_op.drop_index("ix_core_touchpoint_timeline")

    op.drop_table("core_touchpoint")
    with op.batch_alter_table("core_event_delivery", schema=None) as batch_op:
        batch_op.drop_index("ix_core_event_delivery_waiting")

    op.drop_table("core_event_delivery")
    with op.batch_alter_table("core_customer_word", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_customer_word_customer_id"))

    op.drop_table("core_customer_word")
    with op.batch_alter_table("core_customer_merge", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_customer_merge_survivor_id"))
        batch_op.drop_index(batch_op.f("ix_core_customer_merge_merged_id"))

    op.drop_table("core_customer_merge")
    with op.batch_alter_table("core_customer_identity", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_core_customer_identity_owner",
            sqlite_where=sa.text("verified_at IS NOT NULL AND retired_at IS NULL"),
            postgresql_where=sa.text("verified_at IS NOT NULL AND retired_at IS NULL"),
        )
        batch_op.drop_index("ix_core_customer_identity_value")
        batch_op.drop_index(batch_op.f("ix_core_customer_identity_customer_id"))

    op.drop_table("core_customer_identity")
    with op.batch_alter_table("core_consent_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_consent_event_recorded_at"))
        batch_op.drop_index("ix_core_consent_event_history")
        batch_op.drop_index(batch_op.f("ix_core_consent_event_confirms_id"))

    op.drop_table("core_consent_event")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION core_refuse_ledger_change()")
    with op.batch_alter_table("core_api_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_api_key_customer_id"))

    op.drop_table("core_api_key")
    op.drop_table("core_trait_definition")
    op.drop_table("core_staff_member")
    op.drop_table("core_segment")
    op.drop_table("core_secret")
    op.drop_table("core_schema_revision")
    op.drop_table("core_plugin_problem")
    op.drop_table("core_plugin")
    with op.batch_alter_table("core_job", schema=None) as batch_op:
        batch_op.drop_index("ix_core_job_waiting")

    op.drop_table("core_job")
    op.drop_table("core_import")
    with op.batch_alter_table("core_event", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_core_event_waiting",
            sqlite_where=sa.text("dispatched_at IS NULL"),
            postgresql_where=sa.text("dispatched_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_core_event_subject"))
        batch_op.drop_index(batch_op.f("ix_core_event_recorded_at"))

    op.drop_table("core_event")
    with op.batch_alter_table("core_customer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_core_customer_status"))
        batch_op.drop_index("ix_core_customer_newest")
        batch_op.drop_index("ix_core_customer_merged_into_id")
        batch_op.drop_index(batch_op.f("ix_core_customer_display_name"))

    op.drop_table("core_customer")
