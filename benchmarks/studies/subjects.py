"""The subjects of the studies that score, each made in one place."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.data import COMPILED as COMPILED_FILE
from benchmarks.measuring.process import Subject
from benchmarks.places import PEERS, Place
from pipelines.engine.settings import REPOSITORY

NATIVE = "script written by hand"
EXPORTED = "script written by hand, exported weights"
COMPILED = "Nightshift, compiled trees"
PLAIN = "Nightshift, the booster"
PYFUNC = "Nightshift, any MLflow model"
GENERIC = "Nightshift"
PANDAS = "whole file into pandas"
SPARK = "Spark, MLflow's spark_udf"
RAY = "Ray Data, map_batches"
COMMAND = "mlflow models predict"


def native_trees(place: Place, rows: int) -> Subject:
    """LightGBM by hand."""
    return _module(place, NATIVE, "native_trees", rows, "lightgbm")


def native_logistic(place: Place, rows: int) -> Subject:
    """Logistic regression by hand, from the same model file as everybody else."""
    return _module(place, NATIVE, "native_logistic", rows, "logistic")


def exported_logistic(place: Place, rows: int) -> Subject:
    """The same without scikit-learn: somebody exported the weights beforehand."""
    return _module(place, EXPORTED, "native_logistic", rows, "logistic.npz")


def compiled_trees(place: Place, rows: int, **more: int) -> Subject:
    """Ours with trees that were compiled before the night."""
    compiled = str(place.models / COMPILED_FILE)
    return _module(place, COMPILED, "ours", rows, "lightgbm", compiled, **more)


def plain_trees(place: Place, rows: int) -> Subject:
    """Ours with LightGBM's own predict: the fallback."""
    return _module(place, PLAIN, "ours", rows, "lightgbm", "plain")


def pyfunc_trees(place: Place, rows: int) -> Subject:
    """Ours with a model that only MLflow can open."""
    return _module(place, PYFUNC, "ours", rows, "lightgbm-mlflow", "pyfunc")


def our_logistic(place: Place, rows: int) -> Subject:
    """Ours with an estimator of scikit-learn."""
    return _module(place, GENERIC, "ours", rows, "logistic")


def pandas_trees(place: Place, rows: int) -> Subject:
    """What most templates do, with pyfunc."""
    return _module(place, PANDAS, "pandas_whole", rows, "lightgbm-mlflow")


def pandas_logistic(place: Place, rows: int) -> Subject:
    """What most templates do, with the estimator."""
    return _module(place, PANDAS, "pandas_whole", rows, "logistic")


def spark(place: Place, rows: int) -> Subject:
    """Spark; needs Java. It has two workers, so each gets one thread."""
    subject = _module(place, SPARK, "spark_udf", rows, "lightgbm-mlflow", python=PEERS)
    return replace(subject, environment={**subject.environment, "OMP_NUM_THREADS": "1"})


def ray(place: Place, rows: int) -> Subject:
    """Ray Data."""
    return _module(place, RAY, "ray_data", rows, "lightgbm-mlflow", python=PEERS)


def command(place: Place) -> Subject:
    """MLflow's own command, on a file of its own form and size."""
    output = place.outputs / "predictions.json"
    program = str(Path(sys.executable).with_name("mlflow"))
    words = [program, "models", "predict", "--env-manager", "local", "--content-type", "csv"]
    files = ["-m", place.models / "lightgbm-mlflow", "-i", place.models / "rows.csv", "-o", output]
    here = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return Subject(COMMAND, [*words, *map(str, files)], output, {**environment(), "PATH": here})


def lacking(peer: str) -> str | None:
    """Say what a peer lacks on this machine, and how to get it; None if it can run."""
    if not PEERS.exists():
        return f"not run: {peer}, for the environment .venv-bench is missing. Make it: make peers"
    if peer == SPARK and shutil.which("java") is None:
        return f"not run: {peer}, for there is no `java`. Debian: apt-get install openjdk-17-jre-headless"
    return None


def _module(
    place: Place, name: str, module: str, rows: int, model: str, *more: str, python: Path | None = None, **limits: int
) -> Subject:
    place.outputs.mkdir(parents=True, exist_ok=True)
    # One output for each subject: what Spark and Ray write are folders.
    output = place.outputs / f"{module}-{model}-{'-'.join(Path(word).name for word in more) or 'scores'}.parquet"
    words = [str(python or sys.executable), "-m", f"benchmarks.subjects.{module}"]
    paths = [str(place.rows(rows)), str(place.models / model), str(output)]
    return Subject(name, [*words, *paths, *more], output, environment(), **limits)


def environment() -> dict[str, str]:
    """Two threads for everybody: what is compared is work, and no peer gets more cores than another. And nobody calls home."""
    return {
        "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'plugins'}",
        "OMP_NUM_THREADS": "2",
        "PYTHONWARNINGS": "ignore",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "RAY_USAGE_STATS_ENABLED": "0",
        "DO_NOT_TRACK": "1",
    }
