"""When a task may run: Airflow's trigger rules, as a function of the states of the tasks before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from pipelines.engine.errors import UsageError

Verdict = Literal["run", "skipped", "upstream_failed"]

BAD = ("failed", "upstream_failed")


def verdict(rule: str, states: Sequence[str]) -> Verdict:
    """Say what becomes of a task when everything before it has ended.

    Args:
        rule: The trigger rule.
        states: Of every task instance directly before it.

    Raises:
        UsageError: It is a rule that needs more than states.
    """
    if not states or rule in _ANYWAY:
        return "run"
    decide = _RULES.get(rule)
    if decide is None:
        raise UsageError(
            f"the trigger rule {rule!r} is not run in memory; known ones: {', '.join([*_RULES, *_ANYWAY])}."
        )
    return decide(_Count(states))


class _Count:
    def __init__(self, states: Sequence[str]) -> None:
        self.all = len(states)
        self.bad = sum(state in BAD for state in states)
        self.failed = states.count("failed")
        self.skipped = states.count("skipped")
        self.good = states.count("success")


def _all_success(count: _Count) -> Verdict:
    if count.bad:
        return "upstream_failed"
    return "run" if count.good == count.all else "skipped"


def _none_failed(count: _Count) -> Verdict:
    return "upstream_failed" if count.bad else "run"


def _none_failed_min_one_success(count: _Count) -> Verdict:
    if count.bad:
        return "upstream_failed"
    return "run" if count.good else "skipped"


def _none_skipped(count: _Count) -> Verdict:
    return "skipped" if count.skipped else "run"


def _one_success(count: _Count) -> Verdict:
    if count.good:
        return "run"
    return "upstream_failed" if count.bad else "skipped"


def _all_failed(count: _Count) -> Verdict:
    return "run" if count.bad == count.all else "skipped"


_ANYWAY = ("all_done", "always", "all_done_setup_success")
_RULES: dict[str, Callable[[_Count], Verdict]] = {
    "all_success": _all_success,
    "none_failed": _none_failed,
    "none_failed_min_one_success": _none_failed_min_one_success,
    "none_skipped": _none_skipped,
    "one_success": _one_success,
    "one_failed": lambda count: "run" if count.failed else "skipped",
    "one_done": lambda count: "run" if count.good or count.failed else "skipped",
    "all_failed": _all_failed,
    "all_skipped": lambda count: "run" if count.skipped == count.all else "skipped",
    "all_done_min_one_success": lambda count: "run" if count.good else "skipped",
}
