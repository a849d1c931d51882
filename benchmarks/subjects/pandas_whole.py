"""Everything into pandas, one predict, one file: `python -m benchmarks.subjects.pandas_whole ROWS MODEL OUTPUT`.

`MODEL` is an MLflow model, or a package (a folder with `package.json`), which is asked as its estimator would be.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd


def main(rows: Path, model: Path, output: Path) -> None:
    """Read, predict and write."""
    frame = pd.read_parquet(rows)
    if (model / "MLmodel").exists():
        import mlflow.pyfunc

        pyfunc: Any = mlflow.pyfunc.load_model(str(model))
        frame["score"] = pyfunc.predict(frame[pyfunc.metadata.get_input_schema().input_names()])
    else:
        frame["score"] = _estimator_of(model, frame)
    frame[["flight_id", "score"]].to_parquet(output, compression="zstd")


def _estimator_of(package: Path, frame: pd.DataFrame) -> Any:
    """What the estimator's owner would do: text as categories, the rest as it is."""
    import json

    from skops import io

    encoding = json.loads((package / "encoding.json").read_text())
    features = frame[encoding["features"]].copy()
    for name, known in encoding["categories"].items():
        features[name] = pd.Categorical(features[name], categories=known)
    file = package / "model.skops"
    model = io.load(file, trusted=io.get_untrusted_types(file=file))
    return model.predict_proba(features)[:, 1]


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
