"""What the overview of all nights asks for is found without reading every key."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create two indexes on parts of the keys."""
    for name, condition in (("published", "step = 'publish'"), ("unfinished", "state <> 'done'")):
        only = sa.text(condition)
        op.create_index(f"task_keys_{name}", "task_keys", ["partition"], sqlite_where=only, postgresql_where=only)
