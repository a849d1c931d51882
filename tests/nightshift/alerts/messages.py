"""Messages as the outbox has them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipelines.engine.incidents.values import Message

LATE = Message(
    incident_id="0123456789abcdef0123456789abcdef",
    occasion="late",
    alert="late",
    severity="critical",
    state="late",
    owner="flight-science",
    dag_id="flights_scoring",
    night="2026-11-19",
    title="flights_scoring, night 2026-11-19: late, 06:00 EST has passed",
    text="score has taken 3 h 10 min; it usually takes 40 min (median of 21 nights).\nNext: nightshift keys list flights",
    runbook="https://example.org/docs/runbooks/late.md",
    links={"run": "https://airflow.example.org/dags/flights_scoring"},
    at=1795100000.0,
    opened_at=1795090000.0,
    promise_id="flights_scoring/finish_by",
)
AT_RISK = replace(
    LATE, occasion="at_risk", alert="at_risk", severity="warning", state="at_risk", title="flights_scoring: at risk"
)
RESOLVED = replace(LATE, occasion="resolved", state="resolved", title="flights_scoring: over, late by 14 min")
ESCALATED = replace(LATE, occasion="escalated", title="flights_scoring: nobody has taken it up")


def other(message: Message, **changes: Any) -> Message:
    """The message with other values."""
    return replace(message, **changes)
