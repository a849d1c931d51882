"""${message}."""

import sqlalchemy as sa
from alembic import op

revision = "${up_revision}"
down_revision = "${down_revision}"
LOSES: dict[str, str] = {}
"""What going back takes away: the words for the rows of each table that `downgrade` removes."""


def upgrade() -> None:
    """Say what changes, and for whom.

    Where the code of the version before cannot go on with these tables (a column that it writes is gone, a new one wants
    a value), say so, and stop the workers before: UPDATE nightshift_ledger_version SET oldest_code = '${up_revision}'.
    """


def downgrade() -> None:
    """Undo it."""
