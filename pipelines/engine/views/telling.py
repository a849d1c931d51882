"""How a night stands, in sentences, and what to do next. Pure."""

from __future__ import annotations

import shlex
from datetime import timedelta

from pipelines.engine.views.night import NightView, StepTime
from pipelines.engine.views.strip import Cell, CellState

SHOWN_DIGITS = 12

STANDS: dict[CellState, str] = {
    "published": "is published",
    "late": "is published, but late",
    "failed": "failed",
    "running": "is running",
    "unfinished": "stopped half-way, and nobody works on it",
    "absent": "was never begun",
}


def night_told(view: NightView) -> tuple[str, ...]:
    """Say in sentences how a night stands."""
    cell = view.cell
    said = [_stands(view.pipeline, cell)]
    if cell.error and cell.state != "published":
        said.append(f"What went wrong last: {cell.error}")
    elif cell.error:
        said.append(f"After the publication something went wrong, which no reader sees: {cell.error}")
    if cell.rows_in is not None:
        said.append(_rows_told(cell))
    if (margin := _margin_told(cell)) is not None:
        said.append(margin)
    if cell.state in ("failed", "running", "unfinished") and view.versions:
        last = view.versions[-1]
        said.append(
            f"Readers see what was published at {last.from_at} by model version {last.model_version}; it stays until "
            "the night is published again."
        )
    return (*said, *(f"Monitoring says: {warning}" for warning in view.warnings))


def _stands(pipeline: str, cell: Cell) -> str:
    since = f" since {cell.published_at}" if cell.published_at and cell.state in ("published", "late") else ""
    by = f" by model version {cell.model_version}" if since else ""
    return f"Night {cell.night} of {pipeline} {STANDS[cell.state]}{since}{', scored' + by if by else ''}."


def _rows_told(cell: Cell) -> str:
    share = cell.quarantine_share
    refused = f"{cell.rows_quarantined:,} refused ({share:.1%})" if share else "none refused"
    return f"{cell.rows_in:,} rows were delivered: {cell.rows_scored:,} scored, {refused}."


def _margin_told(cell: Cell) -> str | None:
    if cell.due_at is None:
        return None
    if cell.margin_seconds is None:
        return f"It is promised until {cell.due_at}."
    took = timedelta(seconds=round(abs(cell.margin_seconds)))
    return f"It was promised until {cell.due_at}: {took} h {'to spare' if cell.margin_seconds >= 0 else 'too late'}."


def to_do(view: NightView) -> tuple[str, ...]:
    """Say what to do next about a night, the first first; nothing where all is well."""
    name, night = shlex.quote(view.pipeline), shlex.quote(view.night)
    steps = []
    if view.cell.state == "failed":
        broken = next((step for step in view.steps if step.state == "failed"), None)
        if broken is not None:
            steps.append(f"See why {broken.step} failed: nightshift explain {_key_of(view, broken)}")
        steps.append(
            f"Mend the cause, then clear the red task in Airflow, or run: nightshift score {name} {night} (finished work is "
            "never repeated)"
        )
    if view.cell.state == "unfinished":
        steps.append(f"Go on from where it stopped: nightshift score {name} {night}")
    if view.cell.state == "running":
        held = next((step for step in view.steps if step.state == "claimed"), None)
        if held is not None:
            steps.append(f"See who works on {held.step}: nightshift explain {_key_of(view, held)}")
    if view.cell.rows_quarantined:
        steps.append(f"Look at the refused rows: nightshift quarantine {name} {night}")
    return tuple(steps)


def _key_of(view: NightView, step: StepTime) -> str:
    """The beginning of a step's key; of several shards the one that explains the step's state."""
    if step.key is not None:
        return step.key[:SHOWN_DIGITS]
    mine = [key.key for key in view.keys if key.step == step.step and key.state == step.state]
    return mine[0][:SHOWN_DIGITS] if mine else f"{view.pipeline} {view.night} {step.step}"


def counted(number: int, what: str) -> str:
    """Return a number of things, such as `1 row` and `2 rows`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
