"""What form a model's scores have: checked, counted in bins, and held against what came true. One place for all kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.engine.errors import ModelError
from pipelines.engine.kinds import Kind

if TYPE_CHECKING:
    import numpy as np

    from pipelines.engine.pipeline import Pipeline

HISTOGRAM_BINS = 20
PROBABILITY_EDGES = (*(place * (1 / HISTOGRAM_BINS) for place in range(HISTOGRAM_BINS)), 1.0)
EDGE_SHARE = 0.001
"""Of the holdout's predictions on each side, so many lie outside of the edges of a regression's bins."""
SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class ScoreForm:
    """The form of a model's scores.

    Attributes:
        kind: What the model answers.
        classes: Of a multi-class model, in the order of its probabilities; else empty.
        edges: Of the `HISTOGRAM_BINS` bins in which scores are counted; what lies outside counts in the first or last.
    """

    kind: Kind = "binary"
    classes: tuple[Any, ...] = ()
    edges: tuple[float, ...] = PROBABILITY_EDGES

    def checked(self, given: np.ndarray, rows: int) -> np.ndarray:
        """Return what a model gave as float64, if it is what it must be.

        Raises:
            ModelError: It has another shape, or holds something else than probabilities, or values that are no numbers.
        """
        import numpy as np

        scores = np.asarray(given, dtype=np.float64)
        expected = (rows, len(self.classes)) if self.kind == "multiclass" else (rows,)
        if scores.shape != expected:
            raise ModelError(f"the model gave scores of shape {scores.shape} for {rows} rows; expected {expected}")
        if self.kind == "regression":
            bad, what = ~np.isfinite(scores), "that are no finite number"
        else:
            bad, what = ~((scores >= 0) & (scores <= 1)), "that are no probability from 0 to 1"
        if bad.any():
            raise ModelError(f"the model gave {int(bad.sum())} scores of {scores.size} {what}; nothing was published")
        if self.kind == "multiclass" and rows and np.abs(scores.sum(axis=1) - 1).max() > SUM_TOLERANCE:
            raise ModelError(
                "the model gave probabilities of classes that do not add up to 1; nothing was published. "
                "Fit it for several classes at once (LightGBM: objective multiclass)."
            )
        return scores

    def score(self, scores: np.ndarray) -> np.ndarray:
        """Return the one number that is published of each row: of several classes, the probability of the likeliest."""
        return scores.max(axis=1) if self.kind == "multiclass" else scores

    def histogram(self, score: np.ndarray) -> np.ndarray:
        """Return how many published scores lie in each bin."""
        import numpy as np

        if self.edges == PROBABILITY_EDGES:
            return np.histogram(score, bins=HISTOGRAM_BINS, range=(0.0, 1.0))[0]
        return np.histogram(np.clip(score, self.edges[0], self.edges[-1]), bins=np.asarray(self.edges))[0]

    def codes(self, target: np.ndarray) -> np.ndarray:
        """Return what a model learns from: of classes the place of each in `classes`, -1 for one that is not there."""
        import numpy as np

        if self.kind != "multiclass":
            return target
        place = {value: code for code, value in enumerate(self.classes)}
        values, inverse = np.unique(target, return_inverse=True)
        known = np.array([place.get(value, -1) for value in values.tolist()], dtype=np.int64)
        return known[inverse] if len(known) else np.empty(0, dtype=np.int64)

    def measurable(self, target: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return targets and scores as metrics take them. To a class that it never saw, a model gave probability 0."""
        import numpy as np

        codes = self.codes(target)
        if self.kind != "multiclass" or not (codes < 0).any():
            return codes, scores
        unseen, inverse = np.unique(target[codes < 0], return_inverse=True)
        codes[codes < 0] = len(self.classes) + inverse
        return codes, np.hstack([scores, np.zeros((len(scores), len(unseen)))])

    def misfit(self, pipeline: Pipeline) -> str | None:
        """Say why a model of this form cannot answer a pipeline's question, or return None."""
        if self.kind != pipeline.kind:
            return f"answers a question of kind {self.kind!r}, and {pipeline.name} is declared as {pipeline.kind!r}"
        declared = pipeline.labels.columns[pipeline.labels.target]
        wrong = [value for value in self.classes if isinstance(value, str) != (declared == "string")]
        return f"knows classes such as {wrong[0]!r}, and labels.target is a {declared}" if wrong else None


def asked(pipeline: Pipeline) -> dict[str, str]:
    """Return what a key says of the kind of question; nothing of yes or no, as before there were others."""
    if pipeline.kind == "binary":
        return {}
    return {"kind": pipeline.kind, "target_type": pipeline.labels.columns[pipeline.labels.target]}


def check_form(pipeline: Pipeline, form: ScoreForm, version: str) -> None:
    """Make sure that a version answers the pipeline's question.

    Raises:
        ModelError: It was trained for another kind of question.
    """
    misfit = form.misfit(pipeline)
    if misfit:
        raise ModelError(
            f"version {version} of {pipeline.name} {misfit}. Nothing was scored; train anew: "
            f"`nightshift train {pipeline.name} --as-of NIGHT`."
        )


def learned_form(kind: Kind, target: np.ndarray) -> ScoreForm:
    """Return the form of a model that learns from these values; the edges of a regression come later."""
    import numpy as np

    return ScoreForm(kind, tuple(np.unique(target).tolist()) if kind == "multiclass" else ())


def regression_edges(predicted: np.ndarray) -> tuple[float, ...]:
    """Return edges of bins of one width for predicted values, almost all of which lie between the first and the last."""
    import numpy as np

    low, high = (float(edge) for edge in np.quantile(predicted, (EDGE_SHARE, 1 - EDGE_SHARE)))
    if not high > low:
        low, high = low - 0.5, high + 0.5
    return tuple(np.linspace(low, high, HISTOGRAM_BINS + 1).tolist())


def edges_of(results: Sequence[dict[str, Any]]) -> list[float]:
    """Return the edges that shards of one model recorded; those of earlier versions recorded none, and had these."""
    return next((list(result["score_edges"]) for result in results if "score_edges" in result), list(PROBABILITY_EDGES))
