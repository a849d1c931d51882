"""The gate: may this challenger become champion? A pure rule, closed unless every condition is proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.engine.metrics import METRICS, improvement
from pipelines.engine.pipeline import Gate


@dataclass(frozen=True)
class Verdict:
    """What the gate said.

    Attributes:
        opened: Whether the challenger may become champion.
        reasons: One sentence per condition, the broken ones first.
    """

    opened: bool
    reasons: tuple[str, ...]


def judge(gate: Gate, challenger: Mapping[str, float], champion: Mapping[str, float] | None) -> Verdict:
    """Judge a challenger by its metrics and the champion's, both on the same holdout.

    Args:
        gate: What must be proven.
        challenger: Metric name to value.
        champion: The same for the champion, or None before the first one.
    """
    value = challenger.get(gate.metric)
    if value is None:
        return Verdict(False, (f"the holdout gave no {gate.metric}: it needs rows of both classes",))
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
            f"{champion[gate.metric]:.4f} on the same holdout; at most {gate.tolerance:.4f} worse is allowed"
        )
        (kept if gain >= -gate.tolerance else broken).append(sentence)
    return Verdict(not broken, (*broken, *kept))
