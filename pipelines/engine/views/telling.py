"""How a night stands, in sentences, and what to do next. Pure."""

from __future__ import annotations

import shlex

from pipelines.engine.views.cost import cost_told
from pipelines.engine.views.headline import headline
from pipelines.engine.views.night import NightView, StepTime

SHOWN_DIGITS = 12


def night_told(view: NightView) -> tuple[str, ...]:
    """Say in sentences how a night stands, the most important first."""
    cell = view.cell
    said = [f"{view.pipeline}, night {view.night}. {headline(view).sentence}"]
    if cell.error:
        said.append(f"What went wrong last: {cell.error}")
    if cell.published_at:
        said.append(f"Readers have it since {cell.published_at}.")
    if cell.quarantine_share:
        said.append(f"{cell.quarantine_share:.1%} of its {cell.rows_in:,} rows were refused.")
    if cell.due_at:
        said.append(f"It is promised until {cell.due_at}.")
    if view.cost:
        said.append(f"What was done for it cost {cost_told(view.cost)}.")
    return (*said, *(f"Monitoring says: {warning}" for warning in view.warnings))


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
    if view.cell.rows_quarantined or (view.cell.error or "").startswith("TooManyRefused"):
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
