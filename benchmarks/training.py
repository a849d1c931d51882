"""What a training on a large window takes: `python -m benchmarks.training prepare FOLDER [ROWS]`, then `train FOLDER`.

The window is the one of real flights, each repeated under an id of its own. Validation is left out: what is measured is
reading, joining, fitting a few trees, measuring and recording.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.engine.pipeline import Pipeline
from pipelines.flights import flights

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

AS_OF = "2013-11-01"
ROWS = 5_000_000


def prepare(folder: Path, rows: int = ROWS) -> None:
    """Make a home whose training window as of `AS_OF` has about so many rows."""
    import pyarrow.parquet as pq

    from pipelines.engine.ledger.migrate import migrate
    from pipelines.engine.nights import training_nights
    from pipelines.engine.settings import read_settings

    data = folder / "data" / "flights"
    flights.prepare(data)  # type: ignore[misc]
    older, holdout = training_nights(AS_OF, flights.window, flights.labels.lag_nights)
    nights = [*older, *holdout]
    there = sum(pq.read_metadata(data / "rows" / f"{night}.parquet").num_rows for night in nights)
    for night in nights:
        for kind in ("rows", "labels"):
            path = data / kind / f"{night}.parquet"
            table = pq.read_table(path, partitioning=None)
            pq.write_table(_repeated(table, max(1, round(rows / there))), path, compression="zstd")
    migrate(read_settings({"NIGHTSHIFT_HOME": str(folder)}).ledger_url)


def _repeated(table: pa.Table, times: int) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    place = table.schema.get_field_index("flight_id")
    return pa.concat_tables(
        [
            table.set_column(
                place, table.schema.field(place), pc.binary_join_element_wise(table["flight_id"], str(number), "~")
            )
            for number in range(times)
        ]
    )


def fit(features: pd.DataFrame, target: np.ndarray, *, trees: int = 10) -> object:
    """Fit a few trees: what surrounds the fitting is measured, not LightGBM."""
    return flights.fit(features, target, trees=trees)


def train(folder: Path, pipeline: Pipeline | None = None) -> dict[str, Any]:
    """Train as the step does, on rows that count as checked."""
    os.environ["NIGHTSHIFT_HOME"] = str(folder)
    from pipelines.engine.nights import span
    from pipelines.engine.runtime import open_runtime
    from pipelines.engine.steps.train import train as train_step
    from pipelines.engine.steps.window import find_window

    runtime, pipeline = open_runtime(), pipeline or replace(flights, fit=fit)
    window = find_window(runtime, pipeline, AS_OF)
    checked = {
        "as_of": AS_OF,
        "nights": span(window.nights),
        "holdout": span(window.holdout),
        "fingerprint": window.fingerprint,
        "quarantine": {"rows": None, "labels": None},
        "quarantine_sha256": [None, None],
        "reports": {},
    }
    return train_step(runtime, pipeline, checked)


def main(subject: str, folder: str, *rest: str) -> None:
    """Run one subject, and print what the whole process took."""
    if subject == "prepare":
        prepare(Path(folder), *map(int, rest))
        return
    trained = train(Path(folder))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{trained['rows']}  model {trained['model_digest'][:16]}  metrics {trained['metrics']}")  # noqa: T201
    print(  # noqa: T201
        f"wall {time.perf_counter() - STARTED:.1f} s, CPU {usage.ru_utime + usage.ru_stime:.1f} s, "
        f"peak {usage.ru_maxrss / 1024:.0f} MB"
    )


STARTED = time.perf_counter()
if __name__ == "__main__":
    main(*sys.argv[1:])
