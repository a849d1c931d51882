"""A night's steps on a time axis: where each bar lies, in percent, and where the deadline is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipelines.engine.views.night import StepTime

FAR = 4.0
"""A deadline further away than so many times the night's length is said, and not drawn: the bars would be dots."""


@dataclass(frozen=True)
class Bar:
    """A piece of the axis, in percent of its width."""

    left: float
    width: float


@dataclass(frozen=True)
class Row:
    """One step.

    Attributes:
        step: As the view has it.
        took: Its bar; None before it began.
        seconds: How long it took until it was done, or failed; None before that.
        usual: Until when it takes on half of the nights, from its beginning, or from the end of the step before; None if
            too few nights tell.
        high: The same for nine nights of ten.
    """

    step: StepTime
    took: Bar | None
    seconds: float | None
    usual: Bar | None
    high: Bar | None


@dataclass(frozen=True)
class Timeline:
    """The axis.

    Attributes:
        rows: In the order of the steps.
        begins, ends: What the axis covers, in seconds since 1970.
        deadline: Where the deadline is, in percent; None where it is too far away, or nothing was promised.
        due_in: Seconds from the end of the last step until the deadline; negative if that is after it; None if nothing was
            promised.
    """

    rows: tuple[Row, ...]
    begins: float
    ends: float
    deadline: float | None
    due_in: float | None


def timeline(
    steps: Sequence[StepTime], due_at: str | None, now: float, *, failed: Mapping[str, str] | None = None
) -> Timeline | None:
    """Return where everything lies; None before the first step began.

    Args:
        steps: In the order in which they run.
        due_at: Until when the night was promised.
        now: Seconds since 1970: where the bar of a running step ends.
        failed: By step: when it failed.
    """
    spans, cursor = [], None
    for step in steps:
        begun = _seconds(step.started_at)
        begun = cursor if begun is None else begun
        if begun is None:
            return None
        # A recorded moment has whole seconds, a duration has parts of them.
        took = None if step.started_at is None else _took(step, now, (failed or {}).get(step.step))
        expected = took if took is not None else (step.usual.median if step.usual else 0.0)
        spans.append((step, begun, took))
        cursor = begun + expected
    begins = min(begun for _, begun, _ in spans)
    reach = [begun + max(took or 0.0, step.usual.high if step.usual else 0.0) for step, begun, took in spans]
    ends = max(*reach, begins + 1.0)
    due = _seconds(due_at)
    near = due is not None and begins <= due <= begins + FAR * (ends - begins)
    ends = max(ends, due * 1.0) if near and due is not None else ends
    scale = 100 / ((ends - begins) * 1.02)
    over = max((begun + (took or 0.0) for _, begun, took in spans), default=begins)
    return Timeline(
        tuple(_row(step, (begun - begins) * scale, took, scale) for step, begun, took in spans),
        begins,
        ends,
        round((due - begins) * scale, 2) if near and due is not None else None,
        due - over if due is not None else None,
    )


def _row(step: StepTime, left: float, took: float | None, scale: float) -> Row:
    usual = _bar(left, step.usual.median * scale) if step.usual else None
    high = _bar(left, step.usual.high * scale) if step.usual else None
    over = took if step.state != "claimed" else None
    return Row(step, _bar(left, took * scale) if took is not None else None, over, usual, high)


def _bar(left: float, width: float) -> Bar:
    return Bar(round(left, 2), round(max(width, 0.4), 2))  # what took no time is seen all the same


def _took(step: StepTime, now: float, failed_at: str | None) -> float:
    if step.seconds is not None:
        return step.seconds
    begun = _seconds(step.started_at) or now
    ended = {"claimed": now, "failed": _seconds(failed_at)}.get(step.state)
    return max(0.0, (ended or begun) - begun)


def _seconds(at: str | None) -> float | None:
    return datetime.fromisoformat(at).timestamp() if at else None
