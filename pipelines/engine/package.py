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
from pipelines.engine.errors import ModelError
from pipelines.engine.models import Scorer, family_named, family_of
from pipelines.engine.models.compiled import CompiledScorer, MachineCode
from pipelines.engine.models.lightgbm import LightGBMScorer

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


def load_scorer(folder: Path, *, compiled: Path | None = None) -> Scorer:
    """Load a package for scoring; its files must have been verified before (`model_registry.Registry.fetch`).

    Which code reads the model is looked up in the list of families. `loader` in package.json is for MLflow's face of the
    package alone, and nothing is unpickled on the way.

    Args:
        folder: The package.
        compiled: Machine code that `compile_package` made of it for this processor, verified as well.

    Raises:
        ModelError: It is no package, or of a family that this Nightshift does not know.
    """
    family = family_named(str(_read(folder, "package").get("family")))
    encoding = Encoding.from_json(_read(folder, "encoding"))
    plain = family.load(folder, encoding)
    if compiled is None or not isinstance(plain, LightGBMScorer):
        return plain
    return CompiledScorer(MachineCode(compiled, len(encoding.features)), plain, encoding)


def read_profile(folder: Path) -> dict[str, Any]:
    """Return how the training rows (`features`) and scores (`score`) were distributed.

    Raises:
        ModelError: It is no package.
    """
    return _read(folder, "profile")


def _read(folder: Path, name: str) -> dict[str, Any]:
    path = folder / f"{name}.json"
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        value = error
    if not isinstance(value, dict):
        raise ModelError(
            f"{path} cannot be read as a part of a model package; expected a JSON object, got {str(value)[:200]}. "
            "Promote a version that a training made."
        )
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
