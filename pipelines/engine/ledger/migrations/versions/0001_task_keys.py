"""Task keys and their append-only history."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

REFUSE_ON_SQLITE = """
CREATE TRIGGER task_events_no_{verb} BEFORE {verb} ON task_events
BEGIN SELECT RAISE(ABORT, 'task_events is append-only'); END
"""
REFUSE_ON_POSTGRES = """
CREATE FUNCTION nightshift_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'task_events is append-only'; END $$;
CREATE TRIGGER task_events_append_only BEFORE UPDATE OR DELETE ON task_events
FOR EACH ROW EXECUTE FUNCTION nightshift_append_only();
CREATE TRIGGER task_events_never_emptied BEFORE TRUNCATE ON task_events
FOR EACH STATEMENT EXECUTE FUNCTION nightshift_append_only();
"""


def upgrade() -> None:
    """Create the tables; the history refuses to be changed, whoever asks."""
    op.create_table(
        "task_keys",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("pipeline", sa.String(100), nullable=False),
        sa.Column("step", sa.String(100), nullable=False),
        sa.Column("partition", sa.String(200), nullable=False),
        sa.Column("identity", sa.JSON, nullable=False),
        sa.Column("payload_digest", sa.String(64), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("taken_from", sa.String(200), nullable=False),
        sa.Column("claimed_at", sa.Float(53), nullable=False),
        sa.Column("lease_until", sa.Float(53), nullable=False),
        sa.Column("finished_at", sa.Float(53)),
        sa.Column("result", sa.JSON),
        sa.Column("error", sa.Text),
    )
    op.create_index("task_keys_partition", "task_keys", ["pipeline", "partition", "step"])
    op.create_table(
        "task_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("event", sa.String(20), nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
    )
    op.create_index("task_events_key", "task_events", ["key", "id"])
    if op.get_context().dialect.name == "postgresql":
        op.execute(REFUSE_ON_POSTGRES)
    else:
        for verb in ("update", "delete"):
            op.execute(REFUSE_ON_SQLITE.format(verb=verb))
