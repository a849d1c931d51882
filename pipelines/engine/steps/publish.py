"""Publish: reconcile the counts, then make a night's scores visible in one commit."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipelines.engine.errors import DataError, PublicationConflict
from pipelines.engine.keys import TaskKey, digest_of
from pipelines.engine.ledger.values import Entry, iso
from pipelines.engine.nights import parse_night
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.publication.delta import (
    ShardFile,
    open_or_create,
    publish,
    published_files,
    published_plan,
    published_version,
    replaced_by_newest,
    transaction_name,
)
from pipelines.engine.run_once import Hold
from pipelines.engine.runtime import Runtime
from pipelines.engine.score_form import edges_of
from pipelines.engine.scoring import output_schema

if TYPE_CHECKING:
    from deltalake import DeltaTable

log = logging.getLogger(__name__)
STEP = "publish"


def publish_night(
    runtime: Runtime, pipeline: Pipeline, checked: dict[str, Any], scored: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Publish a night.

    Args:
        runtime: Doors to the outside.
        pipeline: What was scored.
        checked: The result of `validate_night`.
        scored: The results of `score_night_shard`, all shards in any order.

    Returns:
        `night`, `rows_in`, `rows_scored`, `rows_quarantined`, `model_version`, `delta_version`, `score_mean`,
        `histogram` of the scores between `score_edges`, `planned_at`, `warnings` of the shards in words, `key`. Where a run that was planned later has published the night already: what that
        one published, and `superseded` in words.

    Raises:
        DataError: The counts do not add up; nothing was published.
        PublicationConflict: Others kept publishing the same night; try again.
        StorageError: The table cannot be read or written.
    """
    night = parse_night(checked["night"])
    counts = reconcile(checked, scored)
    folder, schema = runtime.predictions(pipeline), output_schema(pipeline)
    files = [ShardFile(s["path"], s["size"], s["rows_scored"], s["modified_ms"]) for s in scored if s["rows_scored"]]
    ours = sorted(file.path for file in files)
    scores = digest_of(sorted(s["path"] for s in scored))
    table = open_or_create(folder, schema)
    replaced = published_version(table, night)
    showing = published_files(table, night) == ours
    # Asked after the table: whoever made it show our files had claimed a key before, so that key is found.
    before = runtime.ledger.entries(pipeline=pipeline.name, step=STEP, partition=night)
    planned_ms = max(round(result["planned_at"] * 1000) for result in scored)
    if not showing and published_plan(table, night) > planned_ms:
        return _superseded(before, night, planned_ms)
    replaces = replaced
    if showing:
        recorded = [entry for entry in before if entry.identity["inputs"]["scores"] == scores]
        replaces = _replaces(recorded[0]) if recorded else replaced_by_newest(folder, table, night)
    key = TaskKey(
        pipeline=pipeline.name,
        step=STEP,
        partition=night,
        inputs={"checked": checked["key"], "scores": scores, "replaces": replaces},
    )

    def work(hold: Hold) -> dict[str, Any]:
        published = publish(
            folder,
            schema,
            night,
            files,
            transaction=transaction_name(key.digest, hold.claim.generation),
            fence=hold.fence,
            planned_ms=planned_ms,
            metadata={
                "nightshift.key": key.digest,
                "nightshift.pipeline": pipeline.name,
                **{f"nightshift.{name}": str(value) for name, value in counts.items()},
            },
            may_commit=lambda table: may_still_publish(hold, table, night, replaced),
        )
        return {
            "night": night,
            **counts,
            "delta_version": published.version,
            "score_mean": _mean(scored),
            "histogram": _summed(scored),
            "score_edges": edges_of(scored),
            "planned_at": planned_ms / 1000,
            "warnings": sorted({shard["warning"] for shard in scored if shard.get("warning")}),
        }

    return runtime.run(key, work)


def _superseded(before: Sequence[Entry], night: str, planned_ms: int) -> dict[str, Any]:
    """Answer with the publication of the run that was planned after ours.

    Without this rule a task that is tried again, or cleared, long after its run began would put the rows of an older
    delivery, or the scores of an older model, in the place of newer ones.

    Raises:
        PublicationConflict: That publication is not recorded yet.
    """
    # Publications of earlier versions of Nightshift do not say when they were planned: before all that do.
    later = [entry for entry in before if entry.result and entry.result.get("planned_at", 0.0) * 1000 > planned_ms]
    if not later:
        raise PublicationConflict(
            f"a run that was planned later has just published night {night}, and is about to record it; its version stands."
        )
    newer = max(later, key=lambda entry: entry.finished_at or 0.0)
    result = newer.result or {}
    words = (
        f"this run was planned at {iso(planned_ms / 1000)}, and version {result['delta_version']} of the table by a run that "
        f"was planned at {iso(result['planned_at'])} (model version {result['model_version']}, {result['rows_in']} rows): "
        "it stands. To publish this run's scores all the same, clear its plan task."
    )
    log.warning("night %s is not published again: %s", night, words)
    return {**result, "key": newer.key, "superseded": words}


def may_still_publish(hold: Hold, table: DeltaTable, night: str, replaced: int | None) -> None:
    """Ask, right before a commit, whether it is still ours to make.

    Args:
        hold: The claim.
        table: The handle that the commit will be made from.
        night: What is published.
        replaced: The version that showed the night when the key was made, or None.

    Raises:
        FenceLost: Somebody else took the key over.
        PublicationConflict: Somebody else published the night under another key.
    """
    hold.check()
    if published_version(table, night) != replaced:
        raise PublicationConflict(
            f"somebody else published night {night} of {hold.key.pipeline} meanwhile; their version stands. Try again to replace it."
        )


def reconcile(checked: dict[str, Any], scored: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Make sure that no row is lost or doubled between the checks and the shards.

    Returns:
        `rows_in`, `rows_scored`, `rows_quarantined`, `model_version`.

    Raises:
        DataError: A shard is missing or there twice, the counts differ, or the shards come from different models.
    """
    numbers = sorted(result["number"] for result in scored)
    expected = list(range(scored[0]["of"])) if scored else [0]
    versions = {result["model_version"] for result in scored}
    rows_in, rows_scored, refused = (
        sum(result[name] for result in scored) for name in ("rows_in", "rows_scored", "rows_refused")
    )
    wrong = []
    if numbers != expected:
        wrong.append(f"expected shards {_ends(expected)}, got {numbers[:20]}")
    if len(versions) > 1:
        wrong.append(f"shards were scored by versions {', '.join(sorted(versions))}; expected one")
    if rows_in != checked["rows_in"]:
        wrong.append(f"{checked['rows_in']} rows were checked, and the shards read {rows_in}")
    if refused != checked["refused"]:
        wrong.append(f"{checked['refused']} rows were refused, and the shards left out {refused}")
    if rows_in != rows_scored + refused:
        wrong.append(f"rows in {rows_in} != scored {rows_scored} + quarantined {refused}")
    if wrong:
        raise DataError(f"night {checked['night']} does not add up, and nothing was published: {'; '.join(wrong)}")
    return {
        "rows_in": rows_in,
        "rows_scored": rows_scored,
        "rows_quarantined": refused,
        "model_version": versions.pop(),
    }


def _ends(numbers: Sequence[int]) -> str:
    return f"{numbers[0]} to {numbers[-1]}"


def _replaces(recorded: Entry) -> int | None:
    """Name what the publication that the table shows already replaced, so that its key is found again.

    What a publication replaces is a part of its key: without it, publishing A, then B, then A again would be answered
    with "A is done" while the table shows B. It is named by the version of the table that showed it, which no two
    publications replace; the ledger could not name it, because a publication can be seen before it is recorded.

    The ledger that gave the key knows it. One that was restored from a backup may be older than the table: then the
    table's log tells.
    """
    known: int | None = recorded.identity["inputs"]["replaces"]
    return known


def _summed(scored: Sequence[dict[str, Any]]) -> list[int]:
    return [sum(counts) for counts in zip(*(result["histogram"] for result in scored), strict=True)]


def _mean(scored: Sequence[dict[str, Any]]) -> float:
    total: float = sum(result["score_sum"] for result in scored)
    rows: int = sum(result["rows_scored"] for result in scored)
    return round(total / rows, 9)
