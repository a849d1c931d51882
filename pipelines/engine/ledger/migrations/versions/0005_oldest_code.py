"""The ledger says which code may work with it, so that workers of the version before go on while it is upgraded."""

import sqlalchemy as sa
from alembic import op

from pipelines.engine.ledger.schema import VERSION_TABLE

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column. What came before cannot read it, and refuses every version but its own."""
    op.add_column(VERSION_TABLE, sa.Column("oldest_code", sa.String(32)))
    op.execute(f"UPDATE {VERSION_TABLE} SET oldest_code = '{revision}'")  # noqa: S608 - two constants


def downgrade() -> None:
    """Remove the column."""
    op.drop_column(VERSION_TABLE, "oldest_code")
