"""A model package: a folder with a model in its native format and everything that scoring needs beside it.

```
package.json    family, features, loader
encoding.json   codes of the text features
profile.json    how the training rows and scores were distributed
model.*         the family's own file
```
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.engine.encoding import Encoding
from pipelines.engine.models import Scorer, family_named, family_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

LOADER = "pipelines.engine.package:load_for_frames"


def write_package(folder: Path, model: object, encoding: Encoding, profile: Mapping[str, Any]) -> None:
    """Write a fitted model and what belongs to it into an empty folder.

    Raises:
        FitFailed: No family can keep the model.
    """
    family = family_of(model)
    family.save(model, folder)
    package = {"family": family.name, "features": list(encoding.features), "loader": LOADER}
    for name, value in (("package", package), ("encoding", encoding.to_json()), ("profile", profile)):
        (folder / f"{name}.json").write_text(json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


def load_scorer(folder: Path) -> Scorer:
    """Load a package for scoring."""
    return family_named(_read(folder, "package")["family"]).load(folder, Encoding.from_json(_read(folder, "encoding")))


def read_profile(folder: Path) -> dict[str, Any]:
    """Return how the training rows (`features`) and scores (`score`) were distributed."""
    return _read(folder, "profile")


def _read(folder: Path, name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return value


class FrameScorer:
    """Scores pandas frames of raw feature columns; the face that a package shows to MLflow."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def predict_frame(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the probability of 1 for each row, float64, shape (rows,)."""
        import pyarrow as pa

        return self._scorer.predict(pa.Table.from_pandas(frame, preserve_index=False))


def load_for_frames(folder: str) -> FrameScorer:
    """Load a package for pandas frames; `package.json` names this function."""
    return FrameScorer(load_scorer(Path(folder)))
