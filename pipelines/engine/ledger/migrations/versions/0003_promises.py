"""What DAGs promise, what was heard of their runs, incidents, and messages to be sent."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
LOSES = {
    "incidents": "incidents",
    "incident_events": "lines of their history",
    "outcomes": "outcomes of promises",
    "silences": "silences",
    "outbox": "messages",
    "dag_runs": "runs that were heard of",
    "task_runs": "tasks that were heard of",
}
"""What going back takes away, by table; declarations and heartbeats are told anew."""


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "declarations",
        sa.Column("dag_id", sa.String(250), primary_key=True),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("since", sa.JSON, nullable=False),
        sa.Column("read_at", sa.Float(53), nullable=False),
        sa.Column("gone_at", sa.Float(53)),
    )
    op.create_table(
        "dag_runs",
        sa.Column("dag_id", sa.String(250), primary_key=True),
        sa.Column("run_id", sa.String(250), primary_key=True),
        sa.Column("partition_key", sa.String(250)),
        sa.Column("run_after", sa.Float(53)),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("started_at", sa.Float(53)),
        sa.Column("ended_at", sa.Float(53)),
        sa.Column("told_at", sa.Float(53), nullable=False),
    )
    op.create_index("dag_runs_told", "dag_runs", ["dag_id", "told_at"])
    op.create_table(
        "task_runs",
        sa.Column("dag_id", sa.String(250), primary_key=True),
        sa.Column("run_id", sa.String(250), primary_key=True),
        sa.Column("task_id", sa.String(250), primary_key=True),
        sa.Column("map_index", sa.Integer, primary_key=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("try_number", sa.Integer, nullable=False),
        sa.Column("started_at", sa.Float(53), nullable=False),
        sa.Column("ended_at", sa.Float(53)),
        sa.Column("told_at", sa.Float(53), nullable=False),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("promise_id", sa.String(600), nullable=False),
        sa.Column("dag_id", sa.String(250), nullable=False),
        sa.Column("night", sa.String(250), nullable=False),
        sa.Column("owner", sa.String(250), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("alert", sa.String(30), nullable=False),
        sa.Column("severity", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("opened_at", sa.Float(53), nullable=False),
        sa.Column("changed_at", sa.Float(53), nullable=False),
        sa.Column("told_at", sa.Float(53)),
        sa.Column("due_at", sa.Float(53)),
        sa.Column("resolved_at", sa.Float(53)),
        sa.Column("acknowledged_at", sa.Float(53)),
        sa.Column("acknowledged_by", sa.String(200)),
        sa.Column("escalated_at", sa.Float(53)),
        sa.Column("verdict", sa.JSON, nullable=False),
    )
    op.create_index("incidents_open", "incidents", ["resolved_at", "opened_at"])
    op.create_table(
        "incident_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("incident_id", sa.String(32), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("event", sa.String(20), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
    )
    op.create_index("incident_events_incident", "incident_events", ["incident_id", "id"])
    op.create_table(
        "outcomes",
        sa.Column("promise_id", sa.String(600), primary_key=True),
        sa.Column("night", sa.String(250), primary_key=True),
        sa.Column("dag_id", sa.String(250), nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("due_at", sa.Float(53), nullable=False),
        sa.Column("finished_at", sa.Float(53)),
    )
    op.create_index("outcomes_dag", "outcomes", ["dag_id", "due_at"])
    op.create_table(
        "silences",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("matches", sa.String(600), nullable=False),
        sa.Column("since", sa.Float(53), nullable=False),
        sa.Column("until", sa.Float(53), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("incident_id", sa.String(32), nullable=False),
        sa.Column("occasion", sa.String(60), nullable=False),
        sa.Column("route", sa.String(200), nullable=False),
        sa.Column("message", sa.JSON, nullable=False),
        sa.Column("written_at", sa.Float(53), nullable=False),
        sa.Column("due_at", sa.Float(53), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("lease_until", sa.Float(53), nullable=False),
        sa.Column("sent_at", sa.Float(53)),
        sa.Column("error", sa.Text),
        sa.UniqueConstraint("incident_id", "occasion", "route", name="outbox_once"),
    )
    op.create_index("outbox_due", "outbox", ["state", "due_at"])
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Remove the tables, and what is in them."""
    for table in (*LOSES, "declarations", "heartbeats"):
        op.drop_table(table)
