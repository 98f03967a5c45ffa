import sqlalchemy as sa
from alembic import op

revision = "broken0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("broken_thing", sa.Column("id", sa.Uuid(), nullable=False))
    raise SystemExit("this revision ends the process")


def downgrade() -> None:
    op.drop_table("broken_thing")
