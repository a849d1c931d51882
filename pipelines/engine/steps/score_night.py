"""Score all shards of a night, as many at a time as the engine takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any

from pipelines.engine.errors import KeyBusy
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.runtime import Runtime
from pipelines.engine.scoring_engines.base import ScoringEngine
from pipelines.engine.steps.score import score_night_shard


def _silent(number: int) -> None:
    """Tell nobody."""


def score_night(
    runtime: Runtime,
    pipeline: Pipeline,
    shards: Sequence[dict[str, Any]],
    engine: ScoringEngine,
    scoring: Callable[[int], None] = _silent,
) -> list[dict[str, Any]]:
    """Score the shards that `plan_night` gave, each under its own key.

    Shards that were scored before, by whichever engine, are answered from the ledger. After a mishap no more shards are
    begun; those that run are finished and recorded, so that nothing of them is done again.

    Args:
        runtime: Doors to the outside.
        pipeline: What is scored.
        shards: All shards of the night.
        engine: Where they are scored.
        scoring: Told the number, from 1 on, of the shard that is in hand.

    Returns:
        What `score_night_shard` returns, in the order of the shards.

    Raises:
        KeyBusy: Somebody else scores one of them; all others are done by then.
        Whatever `score_night_shard` raises.
    """
    if engine.at_once == 1:
        scored = []
        for number, shard in enumerate(shards, start=1):
            scoring(number)
            scored.append(score_night_shard(runtime, pipeline, shard, engine))
        return scored
    with ThreadPoolExecutor(min(engine.at_once, len(shards)), thread_name_prefix="shard") as pool:
        # Each in a copy of the context, so that its span and its log lines are those of whoever asked.
        futures = [
            pool.submit(copy_context().run, score_night_shard, runtime, pipeline, shard, engine) for shard in shards
        ]
        try:
            _watch(futures, scoring)
        except BaseException:  # somebody ends this process: what runs elsewhere would go on without it
            pool.shutdown(wait=False, cancel_futures=True)
            engine.stop()
            raise
    troubles = [trouble for future in futures if not future.cancelled() and (trouble := future.exception())]
    for trouble in sorted(troubles, key=lambda trouble: isinstance(trouble, KeyBusy)):
        raise trouble
    return [future.result() for future in futures]


def _watch(futures: Sequence[Future[dict[str, Any]]], scoring: Callable[[int], None]) -> None:
    """Wait until all have ended; after a mishap, those that have not begun never do."""
    waiting = set(futures)
    while waiting:
        scoring(len(futures) - len(waiting) + 1)
        ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        if any(not future.cancelled() and _is_mishap(future.exception()) for future in ended):
            for future in waiting:
                future.cancel()


def _is_mishap(error: BaseException | None) -> bool:
    return error is not None and not isinstance(error, KeyBusy)
