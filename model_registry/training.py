"""Logging one training as one MLflow run, at most once per key."""

import contextlib
import json
import math
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

from model_registry import absent, words
from model_registry.addresses import experiment_location, run_page
from model_registry.digests import LISTING, combine, digest_files, read_listing
from model_registry.errors import RegistryRefused
from model_registry.mlflow_door import Store, transferring
from model_registry.model_directory import PACKAGE, write_model
from model_registry.package import read_manifest
from model_registry.records import TrainingRun

if TYPE_CHECKING:
    import pandas
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Metric, Run

T = TypeVar("T")

_PARAMETERS_AT_ONCE = 100
_METRICS_AT_ONCE = 1000
_LONGEST_DATASET_DIGEST = 36


@dataclass(frozen=True)
class Training:
    """Everything that is to be kept of one training; see Registry.log_training."""

    experiment: str
    run_name: str
    key: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    dataset: Mapping[str, str]
    package: Path
    input_example: "pandas.DataFrame" = field(repr=False)
    pictures: Mapping[str, Path]
    artifacts: Mapping[str, Path]
    requirements: Sequence[str]


def log_training(store: Store, training: Training) -> TrainingRun:
    """Find the finished run with this key, or log a new one."""
    words.check_key(training.key)
    words.check_name(training.experiment)
    read_manifest(training.package)
    with store.speaking() as client:
        experiment_id = _experiment(store, client, training.experiment)
        finished = _finished_run(client, experiment_id, training.key)
        if finished:
            return _read_run(store, client, finished, reused=True)
        tags = {**training.tags, words.KEY: training.key}
        run = client.create_run(experiment_id, run_name=training.run_name, tags=tags)
        with _failed_unless_done(client, run.info.run_id):
            _fill(client, run, training)
        return _read_run(store, client, client.get_run(run.info.run_id), reused=False)


def set_metrics(store: Store, run_id: str, metrics: Mapping[str, float]) -> None:
    """Set metrics of a run; those that have the value already are left alone."""
    with store.speaking() as client:
        known = get_run(client, run_id).data.metrics
        changed = {name: value for name, value in metrics.items() if not _same(known.get(name), value)}
        at = int(time.time() * 1000)
        for name in changed.keys() & known.keys():
            # MLflow takes the metric with the highest time for the present one, so a clock that is behind must not win.
            at = max(at, 1 + max(metric.timestamp for metric in client.get_metric_history(run_id, name)))
        for batch in _batches(_metrics(changed, at), _METRICS_AT_ONCE):
            client.log_batch(run_id, metrics=batch)


def add_artifact(store: Store, run_id: str, name: str, path: Path) -> None:
    """Send one file under its given name."""
    with store.speaking() as client, TemporaryDirectory(prefix="nightshift-log-") as scratch:
        get_run(client, run_id)
        copy = shutil.copyfile(path, Path(scratch) / name)
        with transferring():
            client.log_artifact(run_id, str(copy), "artifacts")


def get_run(client: "MlflowClient", run_id: str) -> "Run":
    """MLflow's run.

    Raises:
        NoSuchRun: the store has none of this id.
    """
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise absent.no_such_run(run_id) from error
        raise


def is_complete(run: "Run") -> bool:
    """Whether the run was logged to its end: finished, and the tag that is written last is there."""
    return run.info.status == "FINISHED" and run.data.tags.get(words.COMPLETE) == "true"


def _experiment(store: Store, client: "MlflowClient", name: str) -> str:
    """The id of the experiment, made if it is missing; another process may make it at the same moment."""
    from mlflow.exceptions import MlflowException

    if not client.get_experiment_by_name(name):
        try:
            client.create_experiment(name, artifact_location=experiment_location(store.artifacts, name))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
    experiment = client.get_experiment_by_name(name)
    if experiment is None or experiment.lifecycle_stage != "active":
        raise RegistryRefused(f"The experiment {name!r} was deleted in MLflow; restore it, or use another name.")
    return str(experiment.experiment_id)


def _finished_run(client: "MlflowClient", experiment_id: str, key: str) -> "Run | None":
    """The first complete run with this key. Incomplete ones are marked FAILED: whoever logged them was killed."""
    first = None
    for run in _runs_with_key(client, experiment_id, key):
        if is_complete(run):
            first = first or run
        elif run.info.status != "FAILED":
            client.set_terminated(run.info.run_id, status="FAILED")
    return first


def _runs_with_key(client: "MlflowClient", experiment_id: str, key: str) -> "Iterator[Run]":
    token = None
    while True:
        page = client.search_runs(
            [experiment_id],
            words.tag_equals(words.KEY, key),
            order_by=["attributes.start_time ASC"],
            page_token=token,
        )
        yield from page
        token = page.token
        if not token:
            return


@contextlib.contextmanager
def _failed_unless_done(client: "MlflowClient", run_id: str) -> Iterator[None]:
    """Mark the run FAILED when the block does not end well, and let the first error through whatever happens."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(Exception):
            client.set_terminated(run_id, status="FAILED")
        raise


def _fill(client: "MlflowClient", run: "Run", training: Training) -> None:
    """Log everything; the tag that says "complete" comes last."""
    run_id = run.info.run_id
    _log_parameters(client, run_id, training.parameters)
    _log_dataset(client, run_id, training.dataset)
    with TemporaryDirectory(prefix="nightshift-log-") as scratch:
        _log_files(client, run_id, Path(scratch) / "files", training)
        logged = client.create_logged_model(run.info.experiment_id, name="model", source_run_id=run_id)
        directory = Path(scratch) / "model"
        digests = write_model(directory, training.package, training.input_example, logged, training.requirements)
        package_digest = combine(digest_files(directory / PACKAGE))
        _send_model(client, run_id, logged, directory)
    for batch in _batches(_metrics(training.metrics, run.info.start_time, logged.model_id), _METRICS_AT_ONCE):
        client.log_batch(run_id, metrics=batch)
    client.set_tag(run_id, words.MODEL_ID, logged.model_id)
    client.set_tag(run_id, words.PACKAGE_DIGEST, package_digest)
    client.set_tag(run_id, words.DIGEST, combine(digests))
    client.set_terminated(run_id, status="FINISHED")
    client.set_tag(run_id, words.COMPLETE, "true")


def _log_parameters(client: "MlflowClient", run_id: str, parameters: Mapping[str, Any]) -> None:
    from mlflow.entities import Param

    entities = [Param(name, _as_text(value)) for name, value in parameters.items()]
    for batch in _batches(entities, _PARAMETERS_AT_ONCE):
        client.log_batch(run_id, params=batch)


def _log_dataset(client: "MlflowClient", run_id: str, dataset: Mapping[str, str]) -> None:
    """Log the dataset as an MLflow input. MLflow keeps 36 characters of a digest; the whole one becomes a tag."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    if not dataset:
        return
    entity = Dataset(
        name=dataset["name"],
        digest=dataset["digest"][:_LONGEST_DATASET_DIGEST],
        source_type="local",
        source=json.dumps({"uri": dataset.get("source", "")}),
    )
    context = InputTag("mlflow.data.context", "training")
    client.log_inputs(run_id, datasets=[DatasetInput(dataset=entity, tags=[context])])
    for name, value in dataset.items():
        client.set_tag(run_id, f"nightshift.dataset.{name}", value)


def _log_files(client: "MlflowClient", run_id: str, staging: Path, training: Training) -> None:
    """Send pictures and other artifacts under their given names, in one go."""
    for folder, files in (("pictures", training.pictures), ("artifacts", training.artifacts)):
        for name, path in files.items():
            (staging / folder).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, staging / folder / (Path(name).stem + path.suffix))
    if staging.exists():
        with transferring():
            client.log_artifacts(run_id, str(staging))


def _send_model(client: "MlflowClient", run_id: str, logged: "LoggedModel", directory: Path) -> None:
    """Send the model directory, tie it to its run, and call it ready.

    What the fluent `log_model` does, without its process-wide tracking URI and active run.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    with transferring():
        client.log_model_artifacts(logged.model_id, str(directory))
    client.log_outputs(run_id, models=[LoggedModelOutput(logged.model_id, step=0)])
    client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)


def _read_run(store: Store, client: "MlflowClient", run: "Run", *, reused: bool) -> TrainingRun:
    """The finished run as it stands in the store, with the listing that was sent with the model."""
    tags = run.data.tags
    with TemporaryDirectory(prefix="nightshift-listing-") as scratch, transferring():
        location = client.get_logged_model(tags[words.MODEL_ID]).artifact_location
        download(store, f"{location}/{LISTING}", Path(scratch))
        digests = read_listing(Path(scratch))
    return TrainingRun(
        run_id=run.info.run_id,
        key=tags[words.KEY],
        model_uri=f"models:/{tags[words.MODEL_ID]}",
        digest=tags[words.DIGEST],
        digests=digests,
        url=run_page(store.pages, run.info.experiment_id, run.info.run_id),
        reused=reused,
    )


def download(store: Store, uri: str, target: Path) -> Path:
    """Copy a file or directory of the artifact store to the local disk."""
    from mlflow.artifacts import download_artifacts

    return Path(
        download_artifacts(
            artifact_uri=uri, dst_path=str(target), tracking_uri=store.tracking_uri, registry_uri=store.tracking_uri
        )
    )


def _metrics(values: Mapping[str, float], at: int, model_id: str | None = None) -> "list[Metric]":
    from mlflow.entities import Metric

    return [Metric(name, float(value), at, 0, model_id=model_id) for name, value in values.items()]


def _same(known: float | None, value: float) -> bool:
    """Whether a metric has the value already; two not-a-numbers are the same."""
    return known is not None and (known == value or (math.isnan(known) and math.isnan(value)))


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def _batches(items: "list[T]", size: int) -> "Iterator[list[T]]":
    return (items[start : start + size] for start in range(0, len(items), size))
