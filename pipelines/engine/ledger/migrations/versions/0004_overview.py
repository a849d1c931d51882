"""What the overview of all nights asks for is found without reading every key."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


PARTS = (
    ("published", "partition", "step = 'publish'"),
    ("unfinished", "partition", "state <> 'done'"),
    ("champions", "pipeline", "step IN ('register', 'promote', 'move')"),
)


def upgrade() -> None:
    """Create three indexes on parts of the keys."""
    for name, column, condition in PARTS:
        only = sa.text(condition)
        op.create_index(f"task_keys_{name}", "task_keys", [column], sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    """Remove the indexes."""
    for name, _, _ in PARTS:
        op.drop_index(f"task_keys_{name}", "task_keys")
