"""the audit log"""

import sqlalchemy as sa
from alembic import op

from regulars import tables

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ONLY_ADDED_TO = ("core_audit", "core_seal")
SEALED = {"core_audit": "audit", "core_consent_event": "consent"}


def upgrade() -> None:
    op.create_table(
        "core_audit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", tables.UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("fields", tables.JsonColumn(), nullable=False),
        sa.Column("via", sa.String(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("words_hmac", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_audit")),
    )
    with op.batch_alter_table("core_audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_audit_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_audit_request_id"), ["request_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_core_audit_subject"), ["subject"], unique=False)

    op.create_table(
        "core_ledger_words",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("evidence", tables.JsonColumn(), nullable=True),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_core_ledger_words")),
    )
    with op.batch_alter_table("core_ledger_words", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_core_ledger_words_subject"), ["subject"], unique=False)

    op.create_table(
        "core_subject_key",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("made_at", tables.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_core_subject_key")),
    )
    op.create_table(
        "core_seal",
        sa.Column("seq", POSITION, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("row_id", sa.Uuid(), nullable=False),
        sa.Column("sealed_at", tables.UtcDateTime(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_core_seal")),
        sa.UniqueConstraint("row_id", "kind", name=op.f("uq_core_seal_row_id_kind")),
        sa.UniqueConstraint("previous", name=op.f("uq_core_seal_previous")),
    )
    op.create_table(
        "core_unsealed",
        sa.Column("position", POSITION, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("row_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_core_unsealed")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "core_sealer_lease",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("lease_until", tables.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_sealer_lease")),
    )
    # Made by hand. A later batch rebuild of a table on SQLite loses its triggers and must make them again.
    if op.get_bind().dialect.name == "postgresql":
        _postgresql_triggers()
    else:
        _sqlite_triggers()


def _postgresql_triggers() -> None:
    op.execute("""
        CREATE FUNCTION core_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is only added to: % refused.', TG_TABLE_NAME, TG_OP
                USING ERRCODE = 'restrict_violation';
        END $$
    """)
    op.execute("""
        CREATE FUNCTION core_await_seal() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO core_unsealed (kind, row_id) VALUES (TG_ARGV[0], NEW.id);
            RETURN NULL;
        END $$
    """)
    for table in ONLY_ADDED_TO:
        op.execute(f"""
            CREATE TRIGGER {table}_stays BEFORE DELETE OR UPDATE ON {table}
            FOR EACH ROW EXECUTE FUNCTION core_refuse_change()
        """)
        op.execute(f"""
            CREATE TRIGGER {table}_is_not_emptied BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change()
        """)
    for table, kind in SEALED.items():
        op.execute(f"""
            CREATE TRIGGER {table}_awaits_its_seal AFTER INSERT ON {table}
            FOR EACH ROW EXECUTE FUNCTION core_await_seal('{kind}')
        """)


def _sqlite_triggers() -> None:
    same_seal = "seq = NEW.seq OR previous = NEW.previous OR (row_id = NEW.row_id AND kind = NEW.kind)"
    for table, is_there in zip(ONLY_ADDED_TO, ("id = NEW.id", same_seal), strict=True):
        refusal = f"SELECT RAISE(ABORT, '{table} is only added to: {{}} refused.')"
        op.execute(f"""
            CREATE TRIGGER {table}_is_not_deleted BEFORE DELETE ON {table}
            BEGIN {refusal.format("DELETE")}; END
        """)
        op.execute(f"""
            CREATE TRIGGER {table}_is_not_updated BEFORE UPDATE ON {table}
            BEGIN {refusal.format("UPDATE")}; END
        """)
        # INSERT OR REPLACE deletes without asking the trigger above.
        op.execute(f"""
            CREATE TRIGGER {table}_is_not_replaced BEFORE INSERT ON {table}
            WHEN EXISTS (SELECT 1 FROM {table} WHERE {is_there})
            BEGIN {refusal.format("REPLACE")}; END
        """)  # noqa: S608  # names of this file
    for table, kind in SEALED.items():
        op.execute(f"""
            CREATE TRIGGER {table}_awaits_its_seal AFTER INSERT ON {table}
            BEGIN INSERT INTO core_unsealed (kind, row_id) VALUES ('{kind}', NEW.id); END
        """)  # noqa: S608  # names of this file


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER core_consent_event_awaits_its_seal ON core_consent_event")
    else:
        op.execute("DROP TRIGGER core_consent_event_awaits_its_seal")
    for table in (
        "core_sealer_lease",
        "core_unsealed",
        "core_seal",
        "core_subject_key",
        "core_ledger_words",
        "core_audit",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION core_await_seal")
        op.execute("DROP FUNCTION core_refuse_change")
