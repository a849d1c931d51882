"""MLflow's trash: what was deleted in its pages stays there until somebody empties it. `mlflow gc`, with more care.

MLflow's own command asks nobody: it removes the run, and with it the metrics, of a registered version. And it empties
everybody's trash; here only experiments that the caller names are looked at.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_registry import words
from model_registry.addresses import is_server, sqlite_file
from model_registry.mlflow_door import Store, transferring
from model_registry.records import Trash

if TYPE_CHECKING:
    from mlflow import MlflowClient

DELETED = "deleted"


@dataclass(frozen=True)
class Row:
    """A run, a logged model or an experiment: which experiment it belongs to, and when it was deleted, if it was."""

    kind: str
    id: str
    name: str
    deleted_at: float | None
    experiment: str


def find_trash(store: Store, experiments: Collection[str], deleted_before: float) -> list[Trash]:
    """What was deleted before a time, and no registered version refers to; see Registry.trash."""
    database = sqlite_file(store.tracking_uri)
    if is_server(store.tracking_uri) or (database and not database.exists()):
        return []
    with store.speaking() as client, transferring():
        rows = _read(_database(client), experiments)
        return [_weighed(client, trash) for trash in free(rows, _needed(client), deleted_before)]


def free(rows: Sequence[Row], needed: Collection[str], before: float) -> list[Trash]:
    """The trash that may go: deleted before a time, and neither it nor anything that it holds is needed.

    Args:
        rows: everything that the experiments hold, deleted or not; an experiment takes all of it with it.
        needed: ids of runs and logged models that registered versions refer to.
        before: seconds since 1970.
    """
    experiments = {row.id: row.deleted_at for row in rows if row.kind == "experiment"}
    kept = {row.experiment for row in rows if row.id in needed}
    found = []
    for row in rows:
        # MLflow calls the runs of a deleted experiment deleted, too, but not its models.
        at = row.deleted_at or (experiments.get(row.experiment) if row.kind == "model" else None)
        is_needed = row.id in needed or (row.kind == "experiment" and row.id in kept)
        if at is not None and at < before and not is_needed:
            found.append(Trash(row.kind, row.id, row.name, at))
    return found


def empty_trash(store: Store, trash: Sequence[Trash]) -> None:
    """Remove these for good, files first; an experiment after what it holds."""
    with store.speaking() as client, transferring():
        database = _database(client)
        needed = _needed(client)  # asked again: a version may have been registered, and a run restored, since
        for each in sorted(trash, key=lambda each: ("model", "run", "experiment").index(each.kind)):
            if each.id not in needed and _is_still_deleted(client, each):
                _remove(client, database, each)


def _database(client: "MlflowClient") -> Any:
    """MLflow's own store behind the client; only a database's can remove for good, and only by names of its own."""
    return client._tracking_client.store  # noqa: SLF001


def _read(database: Any, experiments: Collection[str]) -> list[Row]:
    """What MLflow's tables hold of some experiments; its interface does not tell when something was deleted."""
    from mlflow.store.tracking.dbmodels.models import SqlExperiment, SqlLoggedModel, SqlRun

    home: Any = SqlExperiment.experiment_id
    columns: dict[str, tuple[Any, Any, Any]] = {
        "model": (SqlLoggedModel, SqlLoggedModel.model_id, SqlLoggedModel.last_updated_timestamp_ms),
        "run": (SqlRun, SqlRun.run_uuid, SqlRun.deleted_time),
        "experiment": (SqlExperiment, SqlExperiment.experiment_id, SqlExperiment.last_update_time),
    }
    found: list[Row] = []
    with database.ManagedSessionMaker() as session:
        for kind, (table, key, at) in columns.items():
            wanted = session.query(key, table.name, table.lifecycle_stage, at, home)
            if kind != "experiment":
                wanted = wanted.join(SqlExperiment, table.experiment_id == home)
            for each, name, stage, ms, experiment in wanted.filter(SqlExperiment.name.in_(experiments)):
                at_seconds = ms / 1000 if stage == DELETED and ms is not None else None
                found.append(Row(kind, str(each), name or "", at_seconds, str(experiment)))
    return found


def _needed(client: "MlflowClient") -> frozenset[str]:
    """Ids of the runs and logged models that any registered version of any model refers to."""
    found = set()
    for version in _versions(client):
        found |= {version.run_id, version.model_id, version.tags.get(words.MODEL_ID)}
    return frozenset(filter(None, found))


def _versions(client: "MlflowClient") -> Iterator[Any]:
    token = None
    while True:
        page = client.search_model_versions(max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _is_still_deleted(client: "MlflowClient", trash: Trash) -> bool:
    from mlflow.exceptions import MlflowException

    stages = {
        "run": lambda: client.get_run(trash.id).info.lifecycle_stage,
        "experiment": lambda: client.get_experiment(trash.id).lifecycle_stage,
        "model": lambda: _stage_of_model(client, trash.id),
    }
    try:
        return bool(stages[trash.kind]() == DELETED)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False


def _stage_of_model(client: "MlflowClient", model_id: str) -> str:
    """`deleted` if the logged model or its experiment was."""
    if model_id in _database(client)._get_deleted_logged_models():  # noqa: SLF001 - no entity tells
        return DELETED
    stage: str = client.get_experiment(_logged_model(client, model_id).experiment_id).lifecycle_stage
    return stage


def _logged_model(client: "MlflowClient", model_id: str) -> Any:
    return _database(client).get_logged_model(model_id, allow_deleted=True)


def _remove(client: "MlflowClient", database: Any, trash: Trash) -> None:
    files = _files(client, trash)
    if files is not None:
        files.delete_artifacts()
    how = {
        "run": database._hard_delete_run,  # noqa: SLF001 - `mlflow gc` has nothing else, either
        "experiment": database._hard_delete_experiment,  # noqa: SLF001
        "model": database._hard_delete_logged_model,  # noqa: SLF001
    }
    how[trash.kind](trash.id)


def _files(client: "MlflowClient", trash: Trash) -> Any:
    """Where the files of a run or a logged model lie; an experiment has none of its own."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    if trash.kind == "experiment":
        return None
    is_run = trash.kind == "run"
    where = client.get_run(trash.id).info.artifact_uri if is_run else _logged_model(client, trash.id).artifact_location
    return get_artifact_repository(where, client.tracking_uri)


def _weighed(client: "MlflowClient", trash: Trash) -> Trash:
    """The same with the size of its files."""
    files = _files(client, trash)
    return Trash(trash.kind, trash.id, trash.name, trash.deleted_at, _size(files, None) if files else 0)


def _size(files: Any, folder: str | None) -> int:
    return sum(
        _size(files, entry.path) if entry.is_dir else entry.file_size or 0 for entry in files.list_artifacts(folder)
    )
