"""One run of a step: `run_once` opens it, and whatever runs within may tell more of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pipelines.engine.errors import DataError, FenceLost, KeyBusy
from pipelines.engine.keys import TaskKey
from pipelines.engine.telemetry import names, seam
from pipelines.engine.telemetry.cost import NOTHING, Cost, Reading, cost_of, read_now
from pipelines.engine.telemetry.seam import Span, Value

HERE = "local"
ROWS_BY_STEP = {
    "validate": {"in": "rows_in", "quarantined": "refused"},
    "score": {"in": "rows_in", "scored": "rows_scored"},
    "publish": {"published": "rows_scored"},
}
"""By step: which rows it is that a field of its result counts."""

_current: ContextVar[Step | None] = ContextVar("nightshift_step", default=None)


class Step:
    """What is known of a step that runs.

    Args:
        key: What it works under.
        span: Its span.
        around: The step within which it runs, such as the score for which a model is compiled; None for most.
    """

    def __init__(self, key: TaskKey, span: Span, around: Step | None = None) -> None:
        self._key = key
        self._span = span
        self._around = around
        self._began = time.monotonic()
        self._claimed = False
        self._before: Reading | None = None
        self._within = NOTHING
        self._engine = HERE
        self._caches = {True: 0, False: 0}
        self.cost: Cost | None = None

    @contextmanager
    def claimed(self, fence: int) -> Iterator[None]:
        """Say that the key is ours, and that the work is done within the block."""
        self._claimed = True
        self._before, self._began = seam.safely(read_now), time.monotonic()
        self._span.note({"nightshift.fence": fence})
        with seam.fields(fence=fence):
            yield

    def over(self) -> Cost | None:
        """Say that the work is done, and return what it cost, if that is known; steps within it cost for themselves."""
        self.cost = seam.safely(self._measured)
        return self.cost

    def _measured(self) -> Cost | None:
        if self._before is None:
            return None
        used = read_now().less(self._before)
        if self._around is not None:
            self._around.spent_within(used)
        return cost_of(used.less(self._within)) if self._engine == HERE else Cost(elsewhere=self._engine)

    def spent_within(self, used: Reading) -> None:
        """Leave out what a step within this one used."""
        self._within = self._within.plus(used)

    def ran_by(self, engine: str) -> None:
        """Say where the rows are scored."""
        self._engine = engine
        self._span.note({"nightshift.engine": engine})

    def cache(self, cache: str, *, hit: bool) -> None:
        """Say whether something was there already."""
        self._caches[hit] += 1
        seam.count(names.CACHE.name, 1, pipeline=self._key.pipeline, cache=cache, result="hit" if hit else "miss")

    def replayed(self, fence: int, result: Mapping[str, Any]) -> None:
        """Say that it had been done before."""
        self._span.note({"nightshift.fence": fence})
        seam.safely(lambda: self._end("replayed", result))

    def done(self, result: Mapping[str, Any]) -> None:
        """Say that it is done and recorded."""
        seam.safely(lambda: self._end("done", result))
        seam.safely(lambda: self._count_rows(result))

    def _count_rows(self, result: Mapping[str, Any]) -> None:
        for kind, number in rows_of(self._key.step, result).items():
            seam.count(names.ROWS.name, number, **self._labels, kind=kind)

    def failed(self, error: BaseException) -> None:
        """Say that it is not done; whoever waits for another one has not failed."""
        outcome = outcome_of(error)
        if outcome is not None:
            self._span.fail(error)
            seam.safely(lambda: self._end(outcome, {}))

    @property
    def _labels(self) -> dict[str, str]:
        return {"pipeline": self._key.pipeline, "step": self._key.step}

    def _end(self, outcome: str, result: Mapping[str, Any]) -> None:
        seam.count(names.FINISHED.name, 1, **self._labels, outcome=outcome)
        noted: dict[str, Value] = {"nightshift.outcome": outcome}
        noted |= {f"nightshift.rows_{kind}": number for kind, number in rows_of(self._key.step, result).items()}
        if isinstance(result.get("model_version"), str):
            noted["nightshift.model_version"] = result["model_version"]
        if self._claimed:
            noted |= self._tell_cost(self.cost or self.over() or Cost())
        self._span.note(noted)

    def _tell_cost(self, cost: Cost) -> dict[str, Value]:
        seam.seconds(names.SECONDS.name, time.monotonic() - self._began, **self._labels)
        if cost.cpu_seconds:
            seam.count(names.CPU_SECONDS.name, cost.cpu_seconds, **self._labels)
        for direction, number in (("read", cost.bytes_read), ("written", cost.bytes_written)):
            if number:
                seam.count(names.BYTES.name, number, **self._labels, direction=direction)
        told = {
            name: value
            for name, value in cost.to_json().items()
            if name in ("cpu_seconds", "bytes_read", "bytes_written")
        }
        caches = {"cache_hits": self._caches[True], "cache_misses": self._caches[False]}
        return {f"nightshift.{name}": value for name, value in {**told, **caches}.items()}


@contextmanager
def watched(key: TaskKey) -> Iterator[Step]:
    """Tell of a step within the block: its span, the fields of its log lines, and how it ended."""
    night, _, shard = key.partition.partition("#")
    known: dict[str, Value] = {
        "nightshift.pipeline": key.pipeline,
        "nightshift.step": key.step,
        "nightshift.night": night,
        "nightshift.key": key.digest,
    }
    if shard.isdecimal():
        known["nightshift.shard"] = int(shard)
    with (
        seam.span(f"{names.SPAN}{key.step}", known) as span,
        seam.fields(pipeline=key.pipeline, step=key.step, night=night, key=key.digest, **span.ids),
    ):
        step = Step(key, span, _current.get())
        token = _current.set(step)
        try:
            yield step
        except BaseException as error:
            step.failed(error)
            raise
        finally:
            _current.reset(token)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Open a span for a part of the step that runs; for parts that are worth one, and never for each batch of rows."""
    with seam.span(f"{names.SPAN}{name}") as span:
        try:
            yield
        except BaseException as error:
            span.fail(error)
            raise


def cache_used(cache: str, *, hit: bool) -> None:
    """Say of the step that runs whether something was there already; outside of steps nobody counts."""
    step = _current.get()
    if step is not None:
        step.cache(cache, hit=hit)


def ran_by(engine: str) -> None:
    """Say of the step that runs where its rows are scored."""
    step = _current.get()
    if step is not None:
        step.ran_by(engine)


def rows_of(step: str, result: Mapping[str, Any]) -> dict[str, int]:
    """Return how many rows of which kind a result tells of."""
    found = {kind: result.get(name) for kind, name in ROWS_BY_STEP.get(step, {}).items()}
    return {kind: number for kind, number in found.items() if isinstance(number, int)}


def outcome_of(error: BaseException) -> str | None:
    """Return how a step ended that raised; None where it has not ended: another one works, or a job goes on."""
    if isinstance(error, KeyBusy) or getattr(error, "goes_on", False):
        return None
    if isinstance(error, FenceLost):
        return "fence_lost"
    return "refused" if isinstance(error, DataError) else "failed"
