"""Writing a package as an MLflow model directory on the local disk, before anything is sent anywhere."""

import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from model_registry.digests import digest_files, write_listing
from model_registry.errors import BadPackage
from model_registry.package import load_package

if TYPE_CHECKING:
    import numpy
    import pandas
    from mlflow.entities import LoggedModel
    from mlflow.models import ModelSignature

PACKAGE = "artifacts/package"
_CODE = Path(__file__).with_name("pyfunc_model.py")


def write_model(
    target: Path, package: Path, example: "pandas.DataFrame", logged: "LoggedModel", requirements: Sequence[str]
) -> dict[str, str]:
    """Write the model directory and its listing.

    Args:
        target: directory to make.
        package: the package directory; it comes to lie in artifacts/package.
        example: a few rows of raw feature columns.
        logged: the MLflow entity that the directory will belong to.
        requirements: pip requirements beside those of this package.

    Returns:
        sha256 of each file by relative path.

    Raises:
        BadPackage: the package cannot be loaded, or cannot predict the example.
    """
    import mlflow.pyfunc
    from mlflow.models import Model

    entity = Model(
        artifact_path=logged.artifact_location,
        run_id=logged.source_run_id,
        model_uuid=logged.model_id,
        model_id=logged.model_id,
    )
    signature = _infer_signature(package, example)
    plain = shutil.copytree(package, target.with_name("package"), ignore=shutil.ignore_patterns("__pycache__"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.pyfunc.save_model(
            path=str(target),
            python_model=str(_CODE),
            artifacts={"package": str(plain)},
            signature=signature,
            input_example=example,
            pip_requirements=_requirements(requirements),
            mlflow_model=entity,
        )
    for cache in list(target.rglob("__pycache__")):
        shutil.rmtree(cache)
    digests = digest_files(target)
    write_listing(target, digests)
    return digests


def check_package(package: Path, example: "pandas.DataFrame") -> "numpy.ndarray":
    """What a package predicts for a few rows.

    Raises:
        BadPackage: the package cannot be loaded, or does not predict one number for each row.
    """
    import numpy as np

    zoned = [str(name) for name, kind in example.dtypes.items() if getattr(kind, "tz", None) is not None]
    if zoned:
        raise BadPackage(
            f"MLflow's signatures hold no time zones, but these columns have one: {', '.join(zoned)}. "
            "Give them as naive UTC times, or make features of them that are numbers."
        )
    predictions = np.asarray(load_package(package).predict_frame(example), dtype=np.float64)
    if predictions.shape != (len(example),) and (predictions.ndim, len(predictions)) != (2, len(example)):
        raise BadPackage(
            f"The package {package} must predict one number for each row, or one for each class: "
            f"expected shape ({len(example)},) or ({len(example)}, classes), got {predictions.shape}."
        )
    return predictions


def _infer_signature(package: Path, example: "pandas.DataFrame") -> "ModelSignature":
    """Column names and types from the example and from what the package predicts for it."""
    from mlflow.models import infer_signature

    predictions = check_package(package, example)
    with warnings.catch_warnings():
        # MLflow's hint that integer columns cannot hold nulls: the data checks watch that.
        warnings.simplefilter("ignore")
        return infer_signature(example, predictions)


def _requirements(more: Sequence[str]) -> list[str]:
    """Named and not inferred: inference would load the model in another process, which takes half a minute."""
    from importlib.metadata import version  # here, for it costs a command that writes no model ten milliseconds

    ours = [f"{name}=={version(name)}" for name in ("mlflow", "numpy", "pandas")]
    return sorted({*ours, *more})
