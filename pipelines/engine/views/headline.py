"""How a night stands, in one sentence, and what to do about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.engine.durations import duration
from pipelines.engine.views.glance import Tone
from pipelines.engine.views.night import NightView


@dataclass(frozen=True)
class Headline:
    """What a tired person reads first.

    Attributes:
        tone: `good`, `notice` (look at it today), `bad` (act now), or `waiting`.
        sentence: How the night stands.
        next_step: What to do; empty if nothing.
    """

    tone: Tone
    sentence: str
    next_step: str = ""


def headline(view: NightView) -> Headline:
    """Return how a night stands."""
    by_state = {"published": _published, "late": _published, "failed": _failed, "running": _running}
    return by_state.get(view.cell.state, _stopped)(view)


def _published(view: NightView) -> Headline:
    cell = view.cell
    refused = f", {cell.rows_quarantined:,} refused" if cell.rows_quarantined else ""
    sentence = (
        f"Published{_punctuality(cell.margin_seconds)}: {cell.rows_scored:,} of {cell.rows_in:,} rows were scored by "
        f"model version {cell.model_version}{refused}."
    )
    if cell.error:  # readers have the night; what came after it failed
        return Headline("notice", sentence, "Monitoring failed afterwards. Read why below, and run the night again.")
    if cell.state == "late":
        return Headline("notice", sentence, "Look at which step took longer than usual.")
    if view.warnings or (view.checked and view.checked.failed):
        return Headline("notice", sentence, "Read the warnings below today; readers have the night.")
    return Headline("good", sentence)


def _punctuality(margin: float | None) -> str:
    if margin is None:
        return ""
    if margin >= 0:
        return f" {duration(margin)} before it was promised"
    return f" {duration(margin)} late"


def _failed(view: NightView) -> Headline:
    step = next((step.step for step in view.steps if step.state == "failed"), "a step")
    return Headline(
        "bad",
        f"Failed in {step}. {_readers(view)}",
        "Read the reason below and mend its cause. Then clear the red task in Airflow, or type: "
        f"nightshift score {view.pipeline} {view.night}. Finished work is not repeated.",
    )


def _running(view: NightView) -> Headline:
    step = next((step.step for step in view.steps if step.state == "claimed"), "a step")
    return Headline("waiting", f"Being worked on: {step}. {_readers(view)}")


def _stopped(view: NightView) -> Headline:
    done = [step.step for step in view.steps if step.state == "done"]
    after = f" after {done[-1]}" if done else ""
    return Headline(
        "bad",
        f"Stopped{after}, and nobody is working on it now. {_readers(view)}",
        f"Look at its run in Airflow, or type: nightshift score {view.pipeline} {view.night}.",
    )


def _readers(view: NightView) -> str:
    if not view.versions:
        return "Nothing of this night is published."
    shown = view.versions[-1]
    return (
        f"Readers still see what was published at {shown.from_at}: {shown.rows_scored:,} rows of model version "
        f"{shown.model_version}."
    )
