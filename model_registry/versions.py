"""Model versions: registered at most once per key, and read back."""

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from model_registry import absent, words
from model_registry.addresses import version_page
from model_registry.errors import NoSuchRun, RunUnfinished
from model_registry.mlflow_door import Store
from model_registry.records import ModelVersion
from model_registry.training import get_run, is_complete
from model_registry.translation import http_status

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion
    from mlflow.entities.model_registry import RegisteredModel


def register_once(
    store: Store, name: str, *, key: str, run_id: str, description: str, tags: Mapping[str, str]
) -> ModelVersion:
    """The version of `name` with this key, made if it is missing; see Registry.register_once."""
    words.check_name(name)
    words.check_key(key)
    with store.speaking() as client:
        run = _complete_run(client, run_id)
        wanted = _version_tags(run, key, tags)
        _ensure_model(client, name)
        if not _with_key(client, name, key):
            _create(client, name, run, description, wanted)
        winner = _collapse(client, _with_key(client, name, key))
        _check_same_package(winner, run)
        for tag in wanted.keys() - winner.tags.keys():
            client.set_model_version_tag(name, str(winner.version), tag, wanted[tag])
        return _read(store, client, client.get_model_version(name, str(winner.version)))


def resolve(store: Store, name: str, alias: str) -> ModelVersion:
    """The version that an alias points at now."""
    with store.speaking() as client:
        found = _if_there(lambda: client.get_model_version_by_alias(name, alias))
        if found is not None:
            return _read(store, client, found)
        aliases: Mapping[str, str] = get_model(client, name).aliases
        if alias not in aliases:
            raise absent.no_such_alias(name, alias, aliases)
        return _read(store, client, client.get_model_version(name, str(aliases[alias])))


def version(store: Store, name: str, number: str) -> ModelVersion:
    """One version by its number."""
    with store.speaking() as client:
        found = _if_there(lambda: client.get_model_version(name, number))
        if found is not None:
            return _read(store, client, found)
        get_model(client, name)
        known = {str(found.version): found for found in _search(client, f"name = '{name}'")}
        if number not in known:
            raise absent.no_such_version(name, number, known)
        return _read(store, client, known[number])


def versions(store: Store, name: str) -> list[ModelVersion]:
    """All versions, the oldest first."""
    with store.speaking() as client:
        get_model(client, name)
        found = _search(client, f"name = '{name}'")
        return [_read(store, client, each) for each in sorted(found, key=lambda each: int(each.version))]


def get_model(client: "MlflowClient", name: str) -> "RegisteredModel":
    """MLflow's registered model.

    Raises:
        NoSuchModel: with the nearest name that there is.
    """
    from mlflow.exceptions import MlflowException

    try:
        return client.get_registered_model(words.check_name(name))
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        known = [model.name for model in client.search_registered_models(max_results=1000)]
        raise absent.no_such_model(name, known) from error


def _complete_run(client: "MlflowClient", run_id: str) -> "Run":
    run = get_run(client, run_id)
    if not is_complete(run):
        raise RunUnfinished(
            f"The run {run_id} was not logged to its end (status {run.info.status}); "
            "only a finished run is registered. Train again."
        )
    return run


def _version_tags(run: "Run", key: str, tags: Mapping[str, str]) -> dict[str, str]:
    """The tags of a new version: the caller's, its key, and the digests that every load is checked against."""
    copied = (words.MODEL_ID, words.DIGEST, words.PACKAGE_DIGEST)
    return {**tags, words.KEY: key, **{tag: run.data.tags[tag] for tag in copied}}


def _ensure_model(client: "MlflowClient", name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _create(client: "MlflowClient", name: str, run: "Run", description: str, tags: Mapping[str, str]) -> None:
    """Make a version. MLflow writes it and its tags in one transaction, so no version is ever without its key."""
    model_id = tags[words.MODEL_ID]
    client.create_model_version(
        name,
        source=client.get_logged_model(model_id).artifact_location,
        run_id=run.info.run_id,
        tags=dict(tags),
        description=description,
        model_id=model_id,
    )


def _collapse(client: "MlflowClient", found: "list[MlflowVersion]") -> "MlflowVersion":
    """The lowest of the versions with one key; the others, made in a race, are tagged as its duplicates."""
    winner, *duplicates = found
    for duplicate in duplicates:
        if duplicate.tags.get(words.DUPLICATE_OF) != str(winner.version):
            client.set_model_version_tag(
                duplicate.name, str(duplicate.version), words.DUPLICATE_OF, str(winner.version)
            )
    return winner


def _check_same_package(found: "MlflowVersion", run: "Run") -> None:
    """Raises KeyConflict when a key that is registered already comes with other model files."""
    registered, offered = found.tags.get(words.PACKAGE_DIGEST), run.data.tags[words.PACKAGE_DIGEST]
    if registered not in (None, offered):
        who = f"{found.name} version {found.version}"
        raise absent.other_files(who, (str(found.run_id), str(registered)), (run.info.run_id, offered))


def _with_key(client: "MlflowClient", name: str, key: str) -> "list[MlflowVersion]":
    found = _search(client, f"name = '{name}' and {words.tag_equals(words.KEY, key)}")
    return sorted(found, key=lambda each: int(each.version))


def _search(client: "MlflowClient", text: str) -> "Iterator[MlflowVersion]":
    token = None
    while True:
        page = client.search_model_versions(text, max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _read(store: Store, client: "MlflowClient", found: "MlflowVersion") -> ModelVersion:
    tags = dict(found.tags)
    return ModelVersion(
        name=found.name,
        version=str(found.version),
        run_id=found.run_id or "",
        key=tags.get(words.KEY, ""),
        digest=tags.get(words.DIGEST, ""),
        source=found.source or "",
        tags=tags,
        metrics=_metrics_of(client, found.run_id),
        url=version_page(store.pages, found.name, str(found.version)),
    )


def _if_there(ask: "Callable[[], MlflowVersion]") -> "MlflowVersion | None":
    """What MLflow answers, or None where it says that there is no such thing; why not is found out by who wants to know.

    A server with logins says "forbidden" of versions and aliases of a model that is not there.
    """
    from mlflow.exceptions import MlflowException

    try:
        return ask()
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        if http_status(error) == HTTPStatus.FORBIDDEN:
            return None
        raise


def _metrics_of(client: "MlflowClient", run_id: str | None) -> dict[str, float]:
    try:
        return dict(get_run(client, run_id).data.metrics) if run_id else {}
    except NoSuchRun:
        return {}
