"""What every model family offers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pipelines.engine.encoding import Encoding
from pipelines.engine.kinds import Kind

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


class Scorer(Protocol):
    """A loaded model that turns rows into scores; used by several threads at a time.

    Attributes:
        name: How it scores: "plain" through its own library, "compiled" as machine code.
    """

    name: str

    def predict(self, batch: pa.RecordBatch | pa.Table) -> np.ndarray:
        """Return float64: the probability of 1 or the value of each row, (rows,), or the probabilities of classes, (rows, k)."""


class Family(Protocol):
    """How models of one kind are kept and loaded.

    Attributes:
        name: Written into the package.
    """

    name: str

    def describes(self, kind: Kind) -> str:
        """Say what `fit` may give back, for error messages."""

    def accepts(self, model: object, kind: Kind) -> bool:
        """Whether a fitted model is of this family and answers the kind; must not import a library that is not loaded yet."""

    def save(self, model: Any, folder: Path) -> None:
        """Write the model into the folder, in a format that runs no code when it is read."""

    def load(self, folder: Path, encoding: Encoding, kind: Kind) -> Scorer:
        """Read it back."""

    def importance(self, model: Any) -> dict[str, float]:
        """Return how much each feature matters, or nothing if the model cannot say."""
