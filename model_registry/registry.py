"""The face of the package: one class, whose methods say what they promise and leave the work to the modules beside."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_registry import aliases, fetching, training, trash, versions
from model_registry.addresses import is_server
from model_registry.mlflow_door import Store
from model_registry.records import JournalEntry, ModelVersion, Move, TrainingRun, Trash

if TYPE_CHECKING:
    import pandas


class Registry:
    """A model registry behind one tracking URI. Making one opens nothing.

    Every method may raise RegistryUnavailable (retryable), StorageFailed (retryable) and RegistryRefused.

    Args:
        tracking_uri: an MLflow server (`http://...`), or a database (`sqlite:////path/mlflow.db`).
        artifact_root: where model files go when there is no server to decide it; beside a SQLite file by default.
        ui_url: the address of MLflow's pages for links, where it is not the tracking URI.
        credentials: a file with the server's login, in the form of `~/.mlflow/credentials`; read anew for each request.
    """

    def __init__(
        self,
        tracking_uri: str,
        artifact_root: str | None = None,
        *,
        ui_url: str | None = None,
        credentials: Path | None = None,
    ) -> None:
        self._store = Store(tracking_uri, artifact_root, ui_url, credentials)

    def log_training(
        self,
        *,
        experiment: str,
        run_name: str,
        key: str,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        dataset: Mapping[str, str],
        package: Path,
        input_example: "pandas.DataFrame",
        pictures: Mapping[str, Path],
        artifacts: Mapping[str, Path] | None = None,
        requirements: Sequence[str] = (),
    ) -> TrainingRun:
        """Log one training as one MLflow run with its model, at most once per key.

        A finished run of the experiment with this key is returned as it is. Unfinished ones are marked FAILED and
        left: hold the claim of the key, so that nobody is still writing them.

        Args:
            experiment: made if it is missing.
            run_name: for people to see.
            key: the task key.
            parameters: any values; what is not text is written as JSON.
            metrics: numbers by name.
            tags: text by name.
            dataset: "name", "digest" and "source" of the rows trained on; may be empty.
            package: the directory that the engine made, with package.json.
            input_example: a few rows of raw feature columns; the signature is inferred from them and their predictions.
            pictures: image files by name.
            artifacts: other files by name.
            requirements: pip requirements of the package's loader, such as "lightgbm==4.7.0".

        Raises:
            BadPackage: the package cannot be loaded, or does not predict one number for each row (or class of it).
        """
        everything = training.Training(
            *(experiment, run_name, key, parameters, metrics, tags, dataset),
            *(package, input_example, pictures, artifacts or {}, requirements),
        )
        return training.log_training(self._store, everything)

    def set_metrics(self, run_id: str, metrics: Mapping[str, float]) -> None:
        """Add or change metrics of a run, also of a finished one. Saying the same twice writes nothing.

        Raises:
            NoSuchRun: there is no such run.
        """
        training.set_metrics(self._store, run_id, metrics)

    def add_artifact(self, run_id: str, name: str, path: Path) -> None:
        """Keep a file with a run, also with a finished one. Saying it again replaces the file of that name.

        Args:
            run_id: the run.
            name: of the file among the run's `artifacts`.
            path: the file.

        Raises:
            NoSuchRun: there is no such run.
        """
        training.add_artifact(self._store, run_id, name, path)

    def register_once(
        self, name: str, *, key: str, run_id: str, description: str, tags: Mapping[str, str]
    ) -> ModelVersion:
        """The version of a model under a key: found, or made of a finished run with the digests of its files.

        MLflow makes a new version on each call; this looks first. If two calls race past each other's look,
        the lowest version wins, both return it, and the other is tagged `nightshift.duplicate_of`.
        Missing tags of a version that is found are added.

        Raises:
            NoSuchRun: there is no such run.
            RunUnfinished: the run was not logged to its end.
            KeyConflict: the key is registered from other model files.
        """
        return versions.register_once(self._store, name, key=key, run_id=run_id, description=description, tags=tags)

    def resolve(self, name: str, alias: str) -> ModelVersion:
        """The version that an alias points at now.

        Raises:
            NoSuchModel: nothing is registered under the name.
            NoSuchAlias: the model has no such alias; the message lists those it has.
        """
        return versions.resolve(self._store, name, alias)

    def version(self, name: str, version: str) -> ModelVersion:
        """One version by its number.

        Raises:
            NoSuchModel: nothing is registered under the name.
            NoSuchVersion: the model has no such version; the message lists those it has.
        """
        return versions.version(self._store, name, version)

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions of a model, the oldest first.

        Raises:
            NoSuchModel: nothing is registered under the name.
        """
        return versions.versions(self._store, name)

    def move_alias(
        self,
        name: str,
        alias: str,
        *,
        expected: str | None,
        to: str,
        key: str,
        actor: str,
        reason: str,
        at: datetime | None = None,
    ) -> Move:
        """Point an alias at version `to`, if it points at `expected` now (None: if it does not exist), and journal it.

        **The caller holds a ledger claim for the model around this call.** MLflow cannot compare and set in one
        step; two movers without a claim may both pass the comparison.
        If the alias points at `to` already and the journal says that this key put it there (a lost reply), the call
        succeeds and writes nothing.

        Args:
            name: the model.
            alias: the alias.
            expected: the version that it points at now, or None.
            to: the version that it shall point at.
            key: the task key of the move.
            actor: who or what moves it, for the journal.
            reason: why, for the journal; at most 2000 characters are kept.
            at: the time for the journal, best the ledger database's, which the caller has from its claim. MLflow
                returns no time of its own for tags and aliases, so without `at` it is this machine's clock.
                The order of entries is their number, never their time.

        Raises:
            AliasMoved: with what was expected and what was found; nothing was changed.
            NoSuchModel: nothing is registered under the name.
            NoSuchVersion: there is no version `to`.
        """
        mover = aliases.Mover(name, key, actor, reason, at or datetime.now(UTC))
        return aliases.move_alias(self._store, mover, alias, expected=expected, to=to)

    def promote(
        self,
        name: str,
        *,
        to: str,
        expected: str | None,
        key: str,
        actor: str,
        reason: str,
        at: datetime | None = None,
    ) -> Move:
        """Make `to` the champion and the old champion `previous`; clear `challenger` if it was `to`.

        Under a claim, like move_alias. `previous` is set before `champion`: a kill in between leaves the old champion
        scoring, and never a rollback that leads to a version older than it should.
        Calling again with the same arguments finishes what a kill left undone. A rollback is a promotion of `previous`.

        Raises:
            AliasMoved: the champion is neither `expected` nor, by this key, `to`; nothing was changed.
            NoSuchModel: nothing is registered under the name.
            NoSuchVersion: there is no version `to`.
        """
        mover = aliases.Mover(name, key, actor, reason, at or datetime.now(UTC))
        return aliases.promote(self._store, mover, expected=expected, to=to)

    def journal(self, name: str) -> list[JournalEntry]:
        """Every move of every alias of a model, the oldest first.

        Raises:
            NoSuchModel: nothing is registered under the name.
        """
        with self._store.speaking() as client:
            return aliases.read_aliases(client, name).journal

    def fetch(self, version: ModelVersion, cache: Path) -> Path:
        """The package directory of a version in the local cache, checked file by file against its registered digests.

        A cache entry that is damaged is fetched anew. Safe for many processes on one cache.

        Raises:
            TamperedModel: the artifact store holds other files than were registered; names the first one.
        """
        return fetching.fetch(self._store, version, cache)

    def fetch_trained(self, run_id: str, digest: str, cache: Path) -> Path:
        """The package directory of a run's model, which need not be registered yet; checked like `fetch`.

        Args:
            run_id: the run.
            digest: what the training said of the model's files; see TrainingRun.
            cache: as for `fetch`; a version that is registered from the run is found there later.

        Raises:
            NoSuchRun: there is no such run, or it has no model.
            TamperedModel: the artifact store holds other files.
        """
        return fetching.fetch_trained(self._store, run_id, digest, cache)

    @property
    def is_server(self) -> bool:
        """Whether MLflow's server is asked, which empties its own trash, and not a database."""
        return is_server(self._store.tracking_uri)

    def trash(self, experiments: Sequence[str], *, deleted_before: datetime) -> list[Trash]:
        """What was deleted in MLflow before a time and may be removed for good; nothing behind a server.

        Never what a registered version refers to, nor an experiment that holds such a thing.

        Args:
            experiments: names of those to look at; MLflow may be shared with others.
            deleted_before: compared with the time that MLflow noted.
        """
        return trash.find_trash(self._store, experiments, deleted_before.timestamp())

    def empty_trash(self, found: Sequence[Trash]) -> None:
        """Remove trash for good, with its files; what was restored or registered since is left alone."""
        trash.empty_trash(self._store, found)
