"""The gate: may this challenger become champion? A pure rule, closed unless every condition is proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.engine.metrics import METRICS, improvement
from pipelines.engine.pipeline import Gate

_NEEDED = {
    "binary": "rows of both classes",
    "multiclass": "rows of two classes or more",
    "regression": "two rows or more",
}


@dataclass(frozen=True)
class Verdict:
    """What the gate said.

    Attributes:
        opened: Whether the challenger may become champion.
        reasons: One sentence per condition, the broken ones first.
    """

    opened: bool
    reasons: tuple[str, ...]


def judge(
    gate: Gate,
    challenger: Mapping[str, float],
    champion: Mapping[str, float] | None,
    difference: Mapping[str, Any] | None = None,
) -> Verdict:
    """Judge a challenger by its metrics and the champion's, both on the same holdout.

    Args:
        gate: What must be proven.
        challenger: Metric name to value.
        champion: The same for the champion, or None before the first one.
        difference: Of the two with its interval, see `difference_of`: told, and not judged by; None where it is not known.
    """
    value = challenger.get(gate.metric)
    if value is None:
        return Verdict(
            False, (f"the holdout gave no {gate.metric}: it needs {_NEEDED[METRICS[gate.metric].kinds[0]]}",)
        )
    broken: list[str] = []
    kept: list[str] = []
    word = "at least" if METRICS[gate.metric].higher_is_better else "at most"
    enough = improvement(gate.metric, value, gate.threshold) >= 0
    (kept if enough else broken).append(f"{gate.metric} {value:.4f}, {word} {gate.threshold:.4f} is needed")
    if champion is None:
        kept.append("there is no champion to be compared with")
    elif gate.metric not in champion:
        broken.append(f"the champion has no {gate.metric} on this holdout, so the two cannot be compared")
    else:
        gain = improvement(gate.metric, value, champion[gate.metric])
        sentence = (
            f"{gate.metric} is {abs(gain):.4f} {'better' if gain >= 0 else 'worse'} than the champion's "
            f"{champion[gate.metric]:.4f} on the same holdout{_interval(difference)}; "
            f"at most {gate.tolerance:.4f} worse is allowed"
        )
        (kept if gain >= -gate.tolerance else broken).append(sentence)
    return Verdict(not broken, (*broken, *kept))


def _interval(difference: Mapping[str, Any] | None) -> str:
    if difference is None:
        return ""
    low, high = difference["low"], difference["high"]
    return f" (difference {difference['value']:+.4f}, 95 % interval {low:+.4f} to {high:+.4f})"
