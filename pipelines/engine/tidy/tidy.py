"""One run: find what may go, and remove it if told to."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger.values import iso
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.run_once import Hold, exclusive
from pipelines.engine.runtime import Runtime
from pipelines.engine.tidy.cache import Cache
from pipelines.engine.tidy.checks import Checks
from pipelines.engine.tidy.events import Events
from pipelines.engine.tidy.incidents import OldIncidents
from pipelines.engine.tidy.leftovers import Leftovers
from pipelines.engine.tidy.shards import Shards
from pipelines.engine.tidy.trash import MlflowTrash
from pipelines.engine.tidy.values import Kind, Limits, Scene, Waste

log = logging.getLogger(__name__)
KINDS: tuple[Kind, ...] = (Shards(), Leftovers(), Checks(), Cache(), Events(), OldIncidents(), MlflowTrash())
ALONE = TaskKey(pipeline="all", step="tidy", partition="all")
OF_A_SERVER = (
    "MLflow's server empties its own trash: run `mlflow gc --older-than {days:g}d` where its database is. "
    "It asks nobody, so look first whether a registered version was made by a deleted run."
)


def tidy(
    runtime: Runtime,
    pipelines: Sequence[Pipeline],
    *,
    retention_days: float,
    everything: bool,
    dry_run: bool = True,
) -> dict[str, Any]:
    """Find what nobody needs any more, and remove it if `dry_run` is False.

    Args:
        runtime: Doors to the outside.
        pipelines: Whose tables, reports, keys and experiments.
        retention_days: How long what might still be used is kept; see `pipelines.engine.retention`.
        everything: Look at what belongs to no pipeline, too: this machine's cache, and all of the ledger's history.
        dry_run: Change nothing at all, not even in the ledger.

    Returns:
        `dry_run`, `retention_days`, `at`, `bytes` in all, `found` (or, if it was removed, what went): for each kind, owner
        and reason `kind`, `what`, `count`, `bytes`, `reason`, `oldest`; and `notes` in words.

    Raises:
        LedgerError, StorageError, RegistryError: Somebody does not answer. What went before that is gone.
        FenceLost: This process stood still for longer than its lease, and somebody else tidies up now.
    """
    scene = Scene(runtime, pipelines, Limits(runtime.ledger.now(), retention_days), everything)
    if dry_run:
        return _report(scene, [waste for kind in KINDS for waste in _found(scene, kind)], dry_run=True)
    gone: list[Waste] = []
    with exclusive(runtime.ledger, ALONE) as hold:
        for kind in KINDS:
            hold.check()
            gone += kind.remove(scene, _found(scene, kind), lambda: _go_on(hold))
    return _report(scene, gone, dry_run=False)


def _go_on(hold: Hold) -> None:
    """Raises FenceLost if the claim is lost, as far as the heartbeat knows; the ledger is not asked for each file."""
    if hold.lost:
        raise hold.lost


def _found(scene: Scene, kind: Kind) -> list[Waste]:
    scene.runtime.progress(0, 0, f"looking for {type(kind).__name__.lower()}")
    found = kind.find(scene)
    for waste in found:
        log.info("%s of %s: %s (%s)", waste.kind, waste.what, waste.name, waste.reason)
    return found


def _report(scene: Scene, found: Iterable[Waste], *, dry_run: bool) -> dict[str, Any]:
    groups = groupby(sorted(found, key=_group), key=_group)
    rows = [_row(list(members)) for _, members in groups]
    days = scene.limits.retention_days
    return {
        "dry_run": dry_run,
        "retention_days": days,
        "at": iso(scene.limits.now),
        "bytes": sum(row["bytes"] for row in rows),
        "found": rows,
        "notes": [OF_A_SERVER.format(days=days)] if scene.runtime.registry.is_server else [],
    }


def _group(waste: Waste) -> tuple[str, str, str]:
    return waste.kind, waste.what, waste.reason


def _row(members: Sequence[Waste]) -> dict[str, Any]:
    first = members[0]
    return {
        "kind": first.kind,
        "what": first.what,
        "count": sum(waste.count for waste in members),
        "bytes": sum(waste.bytes for waste in members),
        "reason": first.reason,
        "oldest": iso(min(waste.since for waste in members)),
    }
