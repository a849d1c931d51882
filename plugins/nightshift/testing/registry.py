"""A model registry in memory: what `model_registry.Registry` promises, without MLflow, in microseconds.

Runs, versions, aliases and the journal are values of this process; only model files lie on disk, and are verified as the
real registry verifies them. Pictures and other artifacts of a run are not kept. The rules (which move is allowed, what a key may stand for) are the real registry's own functions.
"""

from __future__ import annotations

import copy
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_registry import JournalEntry, ModelVersion, Move, Registry, TrainingRun, Trash, absent, words
from model_registry.aliases import Aliases, Mover, decide
from model_registry.digests import combine, digest_files, write_listing
from model_registry.fetching import fetch_verified, fetch_with
from model_registry.model_directory import PACKAGE, check_package
from model_registry.package import read_manifest

if TYPE_CHECKING:
    import pandas


@dataclass
class Logged:
    """A training run, as it was logged.

    Attributes:
        run: What the registry says of it.
        experiment: Where it was logged.
        package_digest: Of the package alone.
        parameters: Its parameters.
        metrics: Its metrics; they may change later.
        tags: Its tags.
    """

    run: TrainingRun
    experiment: str
    package_digest: str
    parameters: Mapping[str, Any]
    metrics: dict[str, float]
    tags: Mapping[str, str]


@dataclass
class Model:
    """A registered model.

    Attributes:
        versions: By number, the oldest first.
        aliases: Version by alias.
        journal: Every move, the oldest first.
        descriptions: By version.
    """

    versions: dict[str, ModelVersion] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    journal: list[JournalEntry] = field(default_factory=list)
    descriptions: dict[str, str] = field(default_factory=dict)


class MemoryRegistry(Registry):
    """The twin of a registry.

    Args:
        folder: Where model files are kept.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__("memory://", str(folder))
        self.folder = folder
        self.runs: dict[str, Logged] = {}
        self.models: dict[str, Model] = {}

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
        input_example: pandas.DataFrame,
        pictures: Mapping[str, Path],
        artifacts: Mapping[str, Path] | None = None,
        requirements: Sequence[str] = (),
    ) -> TrainingRun:
        """Keep one training, at most once per key; see `Registry.log_training`."""
        words.check_key(key)
        words.check_name(experiment)
        read_manifest(package)
        for known in self.runs.values():
            if (known.experiment, known.run.key) == (experiment, key):
                return replace(known.run, reused=True)
        check_package(package, input_example)
        run_id = uuid.uuid4().hex
        digests, package_digest = self._keep(run_id, package)
        run = TrainingRun(run_id, key, f"memory:/{run_id}", combine(digests), digests, url="", reused=False)
        told = {**tags, **{f"nightshift.dataset.{name}": value for name, value in dataset.items()}, words.KEY: key}
        numbers = {name: float(value) for name, value in metrics.items()}
        self.runs[run_id] = Logged(run, experiment, package_digest, dict(parameters), numbers, told)
        return run

    def _keep(self, run_id: str, package: Path) -> tuple[dict[str, str], str]:
        directory = self.folder / run_id
        shutil.copytree(package, directory / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
        digests = digest_files(directory)
        write_listing(directory, digests)
        return digests, combine(digest_files(directory / PACKAGE))

    def set_metrics(self, run_id: str, metrics: Mapping[str, float]) -> None:
        """Add or change metrics of a run; see `Registry.set_metrics`."""
        self._run(run_id).metrics.update({name: float(value) for name, value in metrics.items()})

    def add_artifact(self, run_id: str, name: str, path: Path) -> None:
        """Keep a file with a run; see `Registry.add_artifact`."""
        kept = self.folder / f"{self._run(run_id).run.run_id}-artifacts"
        kept.mkdir(exist_ok=True)
        shutil.copyfile(path, kept / name)

    def register_once(
        self, name: str, *, key: str, run_id: str, description: str, tags: Mapping[str, str]
    ) -> ModelVersion:
        """The version of a model under a key; see `Registry.register_once`."""
        words.check_name(name)
        words.check_key(key)
        logged = self._run(run_id)
        model = self.models.setdefault(name, Model())
        told = {**tags, words.KEY: key, words.DIGEST: logged.run.digest, words.PACKAGE_DIGEST: logged.package_digest}
        found = next((version for version in model.versions.values() if version.key == key), None)
        if found is None:
            number = str(len(model.versions) + 1)
            source = str(self.folder / run_id)
            found = ModelVersion(name, number, run_id, key, logged.run.digest, source, told, {}, url="")
            model.descriptions[number] = description
        elif found.tags[words.PACKAGE_DIGEST] != logged.package_digest:
            registered = (found.run_id, found.tags[words.PACKAGE_DIGEST])
            who = f"{name} version {found.version}"
            raise absent.other_files(who, registered, (run_id, logged.package_digest))
        model.versions[found.version] = replace(found, tags={**told, **found.tags})
        return self.version(name, found.version)

    def resolve(self, name: str, alias: str) -> ModelVersion:
        """The version that an alias points at now; see `Registry.resolve`."""
        model = self._model(name)
        if alias not in model.aliases:
            raise absent.no_such_alias(name, alias, model.aliases)
        return self.version(name, model.aliases[alias])

    def version(self, name: str, version: str) -> ModelVersion:
        """One version by its number; see `Registry.version`."""
        model = self._model(name)
        if version not in model.versions:
            raise absent.no_such_version(name, version, model.versions)
        found = model.versions[version]
        run = self.runs.get(found.run_id)
        return replace(found, tags=dict(found.tags), metrics=dict(run.metrics) if run else {})

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions of a model, the oldest first; see `Registry.versions`."""
        return [self.version(name, number) for number in self._model(name).versions]

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
        """Point an alias at another version by compare-and-set; see `Registry.move_alias`."""
        self.version(name, to)
        mover = Mover(name, key, actor, reason, at or datetime.now(UTC))
        verdict = decide(self._aliases(name), alias, expected=expected, to=to, key=key)
        if verdict == "move":
            self._settle(mover, alias, to, moved_from=expected)
        return Move(name, alias, expected, to, key, changed=verdict == "move")

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
        """Make a version the champion; see `Registry.promote`."""
        self.version(name, to)
        mover = Mover(name, key, actor, reason, at or datetime.now(UTC))
        now = self._aliases(name)
        verdict = decide(now, words.CHAMPION, expected=expected, to=to, key=key)
        if expected not in (None, to):
            self._settle(mover, words.PREVIOUS, expected)
        if verdict == "move":
            self._settle(mover, words.CHAMPION, to, moved_from=expected)
        if to in (now.versions.get(words.CHALLENGER), now.journalled(words.CHALLENGER)):
            self._settle(mover, words.CHALLENGER, None)
        return Move(name, words.CHAMPION, expected, to, key, changed=verdict == "move")

    def _settle(self, mover: Mover, alias: str, to: str | None, *, moved_from: str | None = None) -> None:
        model, before = self._model(mover.name), self._model(mover.name).aliases.get(alias)
        if before == to and self._aliases(mover.name).journalled(alias) == to:
            return
        model.aliases.pop(alias, None)
        if to is not None:
            model.aliases[alias] = to
        said = (mover.key, mover.actor, mover.reason[:2000])
        entry = JournalEntry(len(model.journal) + 1, mover.at.astimezone(UTC), alias, moved_from or before, to, *said)
        model.journal.append(entry)

    def journal(self, name: str) -> list[JournalEntry]:
        """Every move of every alias of a model, the oldest first; see `Registry.journal`."""
        return list(self._model(name).journal)

    def fetch(self, version: ModelVersion, cache: Path) -> Path:
        """The package directory of a version in the local cache, verified; see `Registry.fetch`."""
        return fetch_with(lambda target: Path(shutil.copytree(version.source, target)), version, cache)

    def fetch_trained(self, run_id: str, digest: str, cache: Path) -> Path:
        """The package directory of a run's model; see `Registry.fetch_trained`."""
        self._run(run_id)
        source = self.folder / run_id
        return fetch_verified(
            lambda target: Path(shutil.copytree(source, target)), digest, f"the model of run {run_id}", cache
        )

    @property
    def is_server(self) -> bool:
        """No."""
        return False

    def trash(self, experiments: Sequence[str], *, deleted_before: datetime) -> list[Trash]:
        """Nothing: what is in memory is not deleted."""
        return []

    def empty_trash(self, found: Sequence[Trash]) -> None:
        """Remove nothing."""

    def remembered(self) -> dict[str, Any]:
        """Return a copy of everything that it knows, for `recall`."""
        return {"runs": copy.deepcopy(self.runs), "models": copy.deepcopy(self.models)}

    def recall(self, remembered: Mapping[str, Any]) -> None:
        """Know again what it knew once."""
        self.runs, self.models = copy.deepcopy(remembered["runs"]), copy.deepcopy(remembered["models"])

    def _run(self, run_id: str) -> Logged:
        if run_id not in self.runs:
            raise absent.no_such_run(run_id)
        return self.runs[run_id]

    def _model(self, name: str) -> Model:
        if name not in self.models:
            raise absent.no_such_model(words.check_name(name), self.models)
        return self.models[name]

    def _aliases(self, name: str) -> Aliases:
        model = self._model(name)
        return Aliases(name, dict(model.aliases), list(model.journal))
