"""The history may lose what is old and superfluous; keys are never forgotten."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

PROTECTED = """
NOT EXISTS (SELECT 1 FROM forgetting WHERE OLD.at < forgetting.older_than)
OR OLD.at >= {now} - 604800
OR (OLD.event = 'finished' AND NOT EXISTS (
  SELECT 1 FROM task_events later WHERE later.key = OLD.key AND later.event = 'finished' AND later.id > OLD.id))
OR EXISTS (SELECT 1 FROM task_keys held WHERE held.key = OLD.key AND held.state = 'claimed' AND held.lease_until > {now})
"""
"""An event stays unless somebody says in the same transaction that it may go, and then, too, if it is younger than seven
days, the last finish of its key, or of a key that is held."""

ON_SQLITE = """
CREATE TRIGGER task_events_no_delete BEFORE DELETE ON task_events WHEN {protected}
BEGIN SELECT RAISE(ABORT, 'task_events is append-only'); END
"""
KEYS_ON_SQLITE = """
CREATE TRIGGER task_keys_no_delete BEFORE DELETE ON task_keys
BEGIN SELECT RAISE(ABORT, 'task_keys never forgets a key'); END
"""
ON_POSTGRES = """
CREATE OR REPLACE FUNCTION nightshift_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF TG_OP = 'DELETE' THEN
    IF NOT ({protected}) THEN RETURN OLD; END IF;
  END IF;
  RAISE EXCEPTION 'task_events is append-only';
END $$;
CREATE FUNCTION nightshift_never_forgets() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'task_keys never forgets a key'; END $$;
CREATE TRIGGER task_keys_no_delete BEFORE DELETE ON task_keys
FOR EACH ROW EXECUTE FUNCTION nightshift_never_forgets();
CREATE TRIGGER task_keys_never_emptied BEFORE TRUNCATE ON task_keys
FOR EACH STATEMENT EXECUTE FUNCTION nightshift_never_forgets();
"""
BACK_ON_POSTGRES = """
CREATE OR REPLACE FUNCTION nightshift_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'task_events is append-only'; END $$;
DROP TRIGGER task_keys_no_delete ON task_keys;
DROP TRIGGER task_keys_never_emptied ON task_keys;
DROP FUNCTION nightshift_never_forgets();
"""
BACK_ON_SQLITE = """
CREATE TRIGGER task_events_no_delete BEFORE DELETE ON task_events
BEGIN SELECT RAISE(ABORT, 'task_events is append-only'); END
"""
SQLITE_NOW = "((julianday('now') - 2440587.5) * 86400.0)"
POSTGRES_NOW = "extract(epoch from clock_timestamp())"


def upgrade() -> None:
    """Teach the triggers what may go, and that no key ever does."""
    op.create_table("forgetting", sa.Column("older_than", sa.Float(53), nullable=False))
    if op.get_context().dialect.name == "postgresql":
        op.execute(ON_POSTGRES.format(protected=PROTECTED.format(now=POSTGRES_NOW)))
        return
    op.execute("DROP TRIGGER task_events_no_delete")
    op.execute(ON_SQLITE.format(protected=PROTECTED.format(now=SQLITE_NOW)))
    op.execute(KEYS_ON_SQLITE)


def downgrade() -> None:
    """Let the history refuse every removal again. The table holds no row outside of a transaction, so nothing is lost."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(BACK_ON_POSTGRES)
    else:
        op.execute("DROP TRIGGER task_keys_no_delete")
        op.execute("DROP TRIGGER task_events_no_delete")
        op.execute(BACK_ON_SQLITE)
    op.drop_table("forgetting")
