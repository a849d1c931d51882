"""The model card: what a version is for, what it learned from, how good it is and how to make it again. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.engine.ledger.values import iso
from pipelines.engine.metrics import METRICS
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.reports.charts import Whisker, scatter, whiskers
from pipelines.engine.reports.origin import Origin
from pipelines.engine.reports.page import render
from pipelines.engine.views.models import VersionView

SLICES_SHOWN = 40
FEATURES_SHOWN = 15
NOT_KNOBS = ("features", "target", "holdout")
"""Parameters of a training that are said elsewhere on the card."""


@dataclass(frozen=True)
class ModelCard:
    """What a model card tells.

    Attributes:
        pipeline: The declaration.
        version: The version.
        owner: Who answers for the trainings; empty if nobody was named.
        origin: Where code and libraries came from.
        written_at: Seconds since 1970, by the ledger's clock.
        written_by: Who wrote it.
        links: By name (`rows`, `labels`): the way to a check report from where the card lies, None if there is none.
    """

    pipeline: Pipeline
    version: VersionView
    owner: str
    origin: Origin
    written_at: float
    written_by: str
    links: Mapping[str, str | None]


@dataclass(frozen=True)
class MetricLine:
    """A metric of the holdout: of the model with its interval, without a model, and of the champion of then."""

    name: str
    value: float
    interval: Sequence[float] | None
    baseline: float | None
    champion: float | None
    of_gate: bool


@dataclass(frozen=True)
class SliceLine:
    """A slice of the holdout: rows, the gate's metric with its interval, and where that lies on a common axis."""

    name: str
    rows: int
    value: float
    interval: Sequence[float] | None
    mark: Whisker | None


def model_card(card: ModelCard) -> str:
    """Return the card as one HTML page that needs nothing else."""
    version, gate = card.version, card.pipeline.gate
    return render(
        "model_card.html.j2",
        card=card,
        pipeline=card.pipeline,
        version=version,
        gate=gate,
        higher_is_better=METRICS[gate.metric].higher_is_better,
        metrics=metric_lines(version, gate.metric),
        slices=slice_lines(version.slices, gate.metric)[:SLICES_SHOWN],
        calibration=scatter(version.calibration),
        importance=dict(list(version.importance.items())[:FEATURES_SHOWN]),
        knobs={name: value for name, value in version.parameters.items() if name not in NOT_KNOBS},
        written_at=iso(card.written_at),
    )


def metric_lines(version: VersionView, of_gate: str) -> list[MetricLine]:
    """Return the metrics of a version, the gate's first."""
    lines = [
        MetricLine(
            name,
            value,
            version.intervals.get(name),
            version.baseline.get(name),
            version.against_metrics.get(name),
            name == of_gate,
        )
        for name, value in version.metrics.items()
    ]
    return sorted(lines, key=lambda line: not line.of_gate)


def slice_lines(slices: Mapping[str, Mapping[str, Any]], metric: str) -> list[SliceLine]:
    """Return the slices by the gate's metric, in their own order; those that have none are left out."""
    measured = {name: found for name, found in slices.items() if metric in found}
    intervals = {name: found.get("intervals", {}).get(metric) for name, found in measured.items()}
    ends = {
        name: (low_high[0], measured[name][metric], low_high[1]) for name, low_high in intervals.items() if low_high
    }
    marks = whiskers(ends)
    return [
        SliceLine(name, int(found["rows"]), found[metric], intervals[name], marks.get(name))
        for name, found in measured.items()
    ]
