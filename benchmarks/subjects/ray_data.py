"""Ray Data on two cores: a class that loads the model once for each actor, `map_batches` over pandas batches."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import ray
import ray.data

BATCH = 131_072


class Predictor:
    """Holds the model; Ray makes one for each actor."""

    def __init__(self, model: str) -> None:
        import mlflow.pyfunc

        self._model = mlflow.pyfunc.load_model(model)
        self._names = self._model.metadata.get_input_schema().input_names()

    def __call__(self, batch: pd.DataFrame) -> pd.DataFrame:
        """Return ids and scores."""
        return pd.DataFrame({"flight_id": batch["flight_id"], "score": self._model.predict(batch[self._names])})


def main(rows: Path, model: Path, output: Path) -> None:
    """Read, predict and write."""
    import json

    names = json.loads((model / "artifacts/package/package.json").read_text())["features"]
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=10**9)
    ray.data.DataContext.get_current().enable_progress_bars = False
    read = ray.data.read_parquet(str(rows.resolve())).select_columns(["flight_id", *names])
    read.map_batches(
        Predictor,
        fn_constructor_args=(str(model.resolve()),),
        batch_size=BATCH,
        batch_format="pandas",
        num_cpus=1,
        compute=ray.data.ActorPoolStrategy(size=1),
    ).write_parquet(str(output.resolve()), compression="zstd")
    ray.shutdown()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
