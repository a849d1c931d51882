"""What the judge says about one promise and one night."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

VerdictState = Literal["pending", "at_risk", "late", "absent", "failed", "stale", "noticed", "done"]
"""`pending`: nothing to say yet. `done`: over, in time or (`late_by`) not. `noticed`: nothing is late, but somebody should
look. The others are troubles."""

AlertKind = Literal[
    "at_risk", "late", "absent", "stale", "failed", "checks_failed", "model_tampered", "gate_refused", "drift"
]
"""What a person is told; each has its runbook, `docs/runbooks/<kind>.md` with - for _."""

TROUBLES: tuple[VerdictState, ...] = ("at_risk", "late", "absent", "failed", "stale", "noticed")


@dataclass(frozen=True)
class Forecast:
    """When a night will be finished, as far as earlier nights can tell.

    Attributes:
        probability: Of keeping the promise, 0 to 1.
        finish_p50, finish_p90: When it will be finished, in seconds since 1970: half, nine in ten of the earlier nights,
            going on from here, were finished by then.
        slack_seconds: Between `finish_p90` and the deadline; negative if it will be missed.
        step: The step that eats the slack: that takes longest beyond what it usually takes, or simply longest.
        step_seconds: How long that step has taken so far; None if it has not begun.
        step_usual_seconds: What it usually takes, its median.
        basis: What it rests on, in words: `p90 of 21 nights`.
    """

    probability: float
    finish_p50: float
    finish_p90: float
    slack_seconds: float
    step: str
    step_seconds: float | None
    step_usual_seconds: float
    basis: str


@dataclass(frozen=True)
class Verdict:
    """How one promise stands for one night.

    Attributes:
        promise_id: Which promise; findings have an id of their own, `<dag id>/gate_refused`, `<dag id>/drift`.
        dag_id: Whose it is.
        night: Which night.
        state: How it stands.
        alert: What a person would be told; None if there is nothing to tell.
        due_at: When it is due, in seconds since 1970; None where nothing is (`succeed`, findings).
        at: When it became so: the deadline that passed, the failure, the end; None if it is so now.
        late_by: Of `done`: seconds after `due_at`, or None if it was in time.
        run_id: The run that it is about, if there is one.
        step: The step that it is about, if there is one.
        key: The task key that it is about, if there is one.
        reason: Why, in one sentence; empty for `pending`.
        members: Of a mapped task: the numbers of the shards that are late.
        of: Of a mapped task: how many shards there are.
        forecast: If there is one.
    """

    promise_id: str
    dag_id: str
    night: str
    state: VerdictState
    alert: AlertKind | None = None
    due_at: float | None = None
    at: float | None = None
    late_by: float | None = None
    run_id: str | None = None
    step: str | None = None
    key: str | None = None
    reason: str = ""
    members: tuple[int, ...] = ()
    of: int | None = None
    forecast: Forecast | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values. JSON knows no infinity: a night that would never be finished has no such time."""
        value = asdict(self)
        if self.forecast is not None:
            value["forecast"] = {name: _finite(number) for name, number in value["forecast"].items()}
        return {**value, "members": list(self.members)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Verdict:
        """Read what `to_json` gave. Fields that this version does not know are left out."""
        known = {name: value[name] for name in cls.__dataclass_fields__ if name in value}
        known["members"] = tuple(known.get("members", ()))
        if known.get("forecast") is not None:
            fields = {name: known["forecast"].get(name) for name in Forecast.__dataclass_fields__}
            lost = {name: math.inf for name in ("finish_p50", "finish_p90") if fields[name] is None}
            lost |= {"slack_seconds": -math.inf} if fields["slack_seconds"] is None else {}
            known["forecast"] = Forecast(**{**fields, **lost})
        return cls(**known)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
