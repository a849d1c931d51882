"""Make what is measured on: `python -m benchmarks.data FOLDER ROWS...` writes rows and models, and leaves what is there already.

```
rows-<count>/part-<n>.parquet   real flights, repeated; 131,072 rows in a row group
models/lightgbm/                a package: 100 trees, 31 leaves
models/lightgbm-mlflow/         the same package as an MLflow model, as the registry writes it
models/lightgbm-compiled.o      the same trees, compiled ahead for this processor
models/logistic/                a package: one-hot and scaled features, logistic regression
models/logistic.npz             the same as plain arrays, for a script that knows no scikit-learn
models/rows.csv                 rows for a command that reads no Parquet, and their ids in rows-ids.parquet
```
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.places import PART, Place
from pipelines.engine.settings import REPOSITORY

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 131_072
CSV_ROWS = 500_000
MAKERS = (
    "pipelines/flights",
    "pipelines/engine/encoding.py",
    "pipelines/engine/models",
    "pipelines/engine/package.py",
    "model_registry/model_directory.py",
    "model_registry/pyfunc_model.py",
    "benchmarks/data.py",
    "benchmarks/subjects/native_logistic.py",
)
"""Code that has a say in what the models are; when it changes, they are made anew."""
TRAINING_NIGHTS = "2013-0[2-9]*.parquet"
COMPILED = "lightgbm-compiled.o"


def prepare(place: Place, counts: Iterable[int]) -> None:
    """Make the sets of rows and the models, unless they are there and made by the code that is here now."""
    place.folder.mkdir(parents=True, exist_ok=True)
    rows_digest = _digest("pipelines/flights", "benchmarks/data.py", "benchmarks/places.py")
    if _stale(place, "rows", rows_digest):
        for old in [*place.folder.glob("rows-*"), place.folder / "flights"]:
            shutil.rmtree(old, ignore_errors=True)
    nights = _nights(place)
    for count in counts:
        _write_rows(place, nights, count)
    _made(place, "rows", rows_digest)
    models_digest = _digest(*MAKERS)
    if _stale(place, "models", models_digest):
        shutil.rmtree(place.models, ignore_errors=True)
        place.models.mkdir()
        _write_models(place, nights)
        _made(place, "models", models_digest)


def _nights(place: Place) -> list[Path]:
    from pipelines.flights import flights

    data = place.folder / "flights"
    if not data.exists():
        flights.prepare(data)  # type: ignore[misc]
    return sorted((data / "rows").glob(TRAINING_NIGHTS))


def _write_rows(place: Place, nights: list[Path], count: int) -> None:
    """Write one file for each size and give it as many names as are needed."""
    target = place.rows(count)
    if target.exists():
        return
    draft = target.with_name(f".{target.name}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    whole, rest = divmod(count, PART)
    if whole:
        first = draft / "part-000.parquet"
        _write_part(nights, first, PART)
        for number in range(1, whole):
            (draft / f"part-{number:03d}.parquet").hardlink_to(first)
    if rest:
        _write_part(nights, draft / f"part-{whole:03d}.parquet", rest)
    draft.rename(target)


def _write_part(nights: list[Path], path: Path, count: int) -> None:
    import pyarrow.parquet as pq

    pq.write_table(_repeated(nights, count), path, row_group_size=ROW_GROUP, compression="snappy")


def _repeated(nights: list[Path], count: int) -> pa.Table:
    """Return so many rows: those of the nights, over and over."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.concat_tables([pq.read_table(night) for night in nights])
    return pa.concat_tables([table] * -(-count // table.num_rows)).slice(0, count)


def _write_models(place: Place, nights: list[Path]) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from benchmarks.subjects.native_logistic import weights_of
    from pipelines.engine.encoding import Encoding
    from pipelines.engine.models.compiled import compile_package
    from pipelines.engine.package import write_package
    from pipelines.flights import flights

    rows = pa.concat_tables([pq.read_table(night) for night in nights])
    labels = pa.concat_tables([pq.read_table(str(night).replace("/rows/", "/labels/")) for night in nights])
    joined = rows.join(labels.select(["flight_id", "late"]), "flight_id", join_type="inner").sort_by("flight_id")
    encoding = Encoding.learn(joined, flights.features, flights.string_features)
    frame, target = encoding.frame(joined), joined["late"].to_numpy()

    trees, logistic = place.models / "lightgbm", place.models / "logistic"
    for folder in (trees, logistic):
        folder.mkdir()
    write_package(trees, flights.fit(frame, target, trees=100, num_leaves=31), encoding, {})
    fitted = _fit_logistic(frame, target)
    write_package(logistic, fitted, encoding, {})
    np.savez(place.models / "logistic.npz", **weights_of(fitted, encoding.categories))

    some = _repeated(nights, CSV_ROWS)
    pq.write_table(some.select(["flight_id"]), place.models / "rows-ids.parquet")
    example = some.select(flights.features).to_pandas()
    example.to_csv(place.models / "rows.csv", index=False)
    _write_mlflow(place.models / "lightgbm-mlflow", trees, example.head(1000))
    compile_package(trees, place.models / COMPILED, longest_seconds=600)


def _fit_logistic(frame: Any, target: Any) -> Any:
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include="category")),
        (numbers, make_column_selector(dtype_include="number")),
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(frame, target)


def _write_mlflow(target: Path, package: Path, example: Any) -> None:
    """Write the package as the registry does, without a server."""
    from mlflow.entities import LoggedModel

    from model_registry.model_directory import write_model

    logged = LoggedModel(
        experiment_id="0",
        model_id="m-benchmark",
        name="benchmark",
        artifact_location=str(target),
        creation_timestamp=0,
        last_updated_timestamp=0,
    )
    write_model(target, package, example, logged, ["lightgbm"])


def _stale(place: Place, what: str, digest: str) -> bool:
    try:
        return json.loads((place.folder / f"{what}.json").read_text()) != digest
    except (OSError, ValueError):
        return True


def _made(place: Place, what: str, digest: str) -> None:
    (place.folder / f"{what}.json").write_text(json.dumps(digest) + "\n")


def _digest(*names: str) -> str:
    """Digest of source code, so that what it made is made anew when it changes."""
    digest = hashlib.sha256()
    for name in names:
        path = REPOSITORY / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    prepare(Place(Path(sys.argv[1])), [int(count) for count in sys.argv[2:]])
