"""Score here, in this process."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from pipelines.engine.models import Scorer
from pipelines.engine.package import load_scorer, read_form
from pipelines.engine.score_form import check_form
from pipelines.engine.scoring import ShardScores, read_positions, score_shard
from pipelines.engine.scoring_engines.base import ScoringEngine, ShardWork
from pipelines.engine.steps.champion import fetch
from pipelines.engine.steps.compile import compiled_for
from pipelines.engine.telemetry.step import cache_used, phase

log = logging.getLogger(__name__)


class LocalEngine:
    """One shard after another, in this process."""

    name = "local"
    at_once = 1

    def score(self, work: ShardWork) -> ShardScores:
        """Score one shard; see `score_shard`."""
        runtime = work.runtime
        with phase("score.load"):
            package = _package(work)
            form = read_form(package)
            check_form(work.pipeline, form, work.version.version)
            scorer, warning = _scorer(work, package)
            refused = read_positions(work.quarantine, work.quarantine_sha256)
        with phase("score.rows"):
            scores = score_shard(
                work.pipeline,
                work.shard,
                scorer,
                refused,
                work.stamp,
                work.output,
                runtime.rows_folder(work.pipeline),
                form=form,
                threads=runtime.settings.cores,
                progress=runtime.progress,
            )
        return replace(scores, warning=scores.warning or warning)

    def stop(self) -> None:
        """Nothing runs but in the caller."""

    def close(self) -> None:
        """Nothing is open."""


def _package(work: ShardWork) -> Path:
    """Return the folder of the model's package, and count whether this machine had it."""
    cache_used("models", hit=(work.runtime.settings.cache / work.version.digest).is_dir())
    return fetch(work.runtime, work.version)


def _scorer(work: ShardWork, package: Path) -> tuple[Scorer, str | None]:
    """Return what scores, and a warning if there is machine code that cannot be loaded: that fails no night."""
    compiled = compiled_for(work.runtime, work.pipeline, work.version, work.shard.rows)
    if work.runtime.settings.compiles:
        cache_used("compiled", hit=compiled is not None)
    if compiled is None:
        return load_scorer(package), None
    try:
        return load_scorer(package, compiled=compiled), None
    except Exception as error:
        plain = load_scorer(package)  # if it is the package that is broken, this says so
        warning = f"the compiled model could not be loaded ({error}); the plain one scored the rows"
        log.warning("%s", warning)
        return plain, warning


LOCAL: ScoringEngine = LocalEngine()
