"""A model package: a folder with a model in its native format and everything that scoring needs beside it.

```
package.json    family, features, loader; where it is no yes-or-no question, its kind and classes
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
from pipelines.engine.kinds import KINDS, Kind
from pipelines.engine.models import Scorer, family_named, family_of
from pipelines.engine.models.compiled import CompiledScorer, MachineCode
from pipelines.engine.models.lightgbm import LightGBMScorer
from pipelines.engine.score_form import PROBABILITY_EDGES, ScoreForm

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

LOADER = "pipelines.engine.package:load_for_frames"
BINARY = ScoreForm()


def write_package(
    folder: Path, model: object, encoding: Encoding, profile: Mapping[str, Any], form: ScoreForm = BINARY
) -> None:
    """Write a fitted model and what belongs to it into an empty folder.

    Args:
        folder: Where to.
        model: What `fit` gave back.
        encoding: Of its features.
        profile: How the training rows and scores were distributed; of a regression with the edges of its form.
        form: Of its scores.

    Raises:
        FitFailed: No family can keep the model, or it answers another kind of question.
    """
    family = family_of(model, form.kind)
    family.save(model, folder)
    package = {"family": family.name, "features": list(encoding.features), "loader": LOADER}
    if form.kind != "binary":
        package.update(kind=form.kind, **({"classes": list(form.classes)} if form.classes else {}))
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
    package = _read(folder, "package")
    family = family_named(str(package.get("family")))
    encoding = Encoding.from_json(_read(folder, "encoding"))
    plain = family.load(folder, encoding, _kind(package))
    if compiled is None or not isinstance(plain, LightGBMScorer):
        return plain
    return CompiledScorer(MachineCode(compiled, len(encoding.features)), plain, encoding)


def read_form(folder: Path) -> ScoreForm:
    """Return the form of a package's scores.

    Raises:
        ModelError: It is no package, or of a kind that this Nightshift does not know.
    """
    package, profile = _read(folder, "package"), _read(folder, "profile")
    edges = profile.get("score_edges", PROBABILITY_EDGES)
    return ScoreForm(_kind(package), tuple(package.get("classes", ())), tuple(edges))


def _kind(package: Mapping[str, Any]) -> Kind:
    """Return what a package says that it answers; those of yes-or-no questions say nothing."""
    said = package.get("kind", "binary")
    for kind in KINDS:
        if kind == said:
            return kind
    raise ModelError(
        f"the model answers a question of kind {str(said)[:80]!r}; this Nightshift knows {', '.join(KINDS)}"
    )


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
        """Return the score of each row, float64, shape (rows,); of several classes their probabilities, (rows, classes)."""
        import pyarrow as pa

        return self._scorer.predict(pa.Table.from_pandas(frame, preserve_index=False))


def load_for_frames(folder: str) -> FrameScorer:
    """Load a package for pandas frames; `package.json` names this function."""
    return FrameScorer(load_scorer(Path(folder)))
