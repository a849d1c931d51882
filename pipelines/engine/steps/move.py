"""Move: a person makes another version champion, by rolling back or by promoting one by hand.

The same compare-and-set, journal and claim as a promotion by the gate. What the person saw is a part of the request: when
the champion is another one by now, nothing is moved. Asking for the same move twice, as with two clicks, moves once.
"""

from __future__ import annotations

from typing import Any

from model_registry import JournalEntry, ModelVersion, NoSuchAlias, NoSuchModel
from pipelines.engine.errors import ModelError, NoChampion, UsageError
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger.values import moment
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.run_once import Hold, exclusive
from pipelines.engine.runtime import Runtime
from pipelines.engine.steps.champion import CHAMPION, PREVIOUS, fetch, require_champion

STEP = "move"
GATE_TAG = "nightshift.gate"


def roll_back(
    runtime: Runtime, pipeline: Pipeline, *, actor: str, reason: str, expected: str | None = None
) -> dict[str, Any]:
    """Make the previous champion champion again. The next night is scored by it; nights that are planned keep theirs.

    Args:
        runtime: Doors to the outside.
        pipeline: Whose champion.
        actor: Who asks, for the journal.
        reason: Why, for the journal.
        expected: The version that the person saw as champion; None for whichever it is.

    Returns:
        `version` (the champion now), `replaced`, `action`, `actor`, `reason`, `key`.

    Raises:
        NoChampion: There is no champion, so nothing can be rolled back.
        UsageError: There is no previous champion.
        ModelError: The champion is not the expected one.
        TamperedModel: A file of the previous champion was changed after its registration.
        RegistryUnavailable: MLflow does not answer.
    """
    champion = require_champion(runtime, pipeline)
    try:
        previous = runtime.registry.resolve(pipeline.name, PREVIOUS)
    except NoSuchAlias:
        raise UsageError(
            f"{pipeline.name} has no previous champion: version {champion.version} is the first one, so there is nothing "
            f"to roll back to. `nightshift models {pipeline.name}` shows its versions."
        ) from None
    return _move(runtime, pipeline, champion, previous, expected, action="roll back", actor=actor, reason=reason)


def promote_by_hand(
    runtime: Runtime,
    pipeline: Pipeline,
    version: str,
    *,
    actor: str,
    reason: str,
    expected: str | None = None,
    despite_gate: bool = False,
) -> dict[str, Any]:
    """Make a registered version champion.

    Args:
        runtime: Doors to the outside.
        pipeline: Whose champion.
        version: The number of the version.
        actor: Who asks, for the journal.
        reason: Why, for the journal.
        expected: The version that the person saw as champion; None for whichever it is.
        despite_gate: Also if the gate refused it.

    Returns:
        `version` (the champion now), `replaced` (None before the first one), `action`, `actor`, `reason`, `key`.

    Raises:
        NoSuchModel, NoSuchVersion: Nothing is registered so.
        ModelError: The champion is not the expected one, or the gate refused the version.
        TamperedModel: A file of the version was changed after its registration.
        RegistryUnavailable: MLflow does not answer.
    """
    wanted = runtime.registry.version(pipeline.name, version)
    if wanted.tags.get(GATE_TAG) != "open" and not despite_gate:
        raise ModelError(
            f"the gate refused version {version} of {pipeline.name}; `nightshift models {pipeline.name}` says why. "
            "To promote it all the same, say so on purpose: --despite-gate."
        )
    try:
        champion: ModelVersion | None = require_champion(runtime, pipeline)
    except NoChampion:
        champion = None
    return _move(runtime, pipeline, champion, wanted, expected, action="promote", actor=actor, reason=reason)


def _move(
    runtime: Runtime,
    pipeline: Pipeline,
    champion: ModelVersion | None,
    to: ModelVersion,
    expected: str | None,
    *,
    action: str,
    actor: str,
    reason: str,
) -> dict[str, Any]:
    if not reason.strip():
        raise UsageError("a reason is needed: it is what the journal tells whoever asks why the champion changed")
    journal = _champion_moves(runtime, pipeline)
    replaces = champion.version if champion else None
    repeated = _same_request(journal, to.version, expected, actor, reason)
    if repeated is not None and replaces == to.version:
        return _answer(repeated, action, repeated.key)
    if expected is not None and expected != replaces:
        raise ModelError(
            f"the champion of {pipeline.name} is version {replaces or 'none'} now, and not version {expected} as you saw it: "
            "nothing was moved. Look again, and decide anew."
        )
    if replaces == to.version:
        raise UsageError(f"version {to.version} is the champion of {pipeline.name} already")
    fetch(runtime, to)  # a damaged model is found now, and not tonight
    key = TaskKey(
        pipeline=pipeline.name,
        step=STEP,
        partition=f"version-{to.version}",
        inputs={"to": to.version, "replaces": replaces, "moves_before": len(journal)},
    )

    def work(hold: Hold) -> dict[str, Any]:
        hold.check()
        with exclusive(runtime.ledger, TaskKey(pipeline=pipeline.name, step="aliases", partition="all")):
            at = moment(runtime.ledger.now())
            runtime.registry.promote(
                pipeline.name, to=to.version, expected=replaces, key=key.digest, actor=actor, reason=reason, at=at
            )
        return {"version": to.version, "replaced": replaces, "action": action, "actor": actor, "reason": reason}

    return runtime.run(key, work)


def _champion_moves(runtime: Runtime, pipeline: Pipeline) -> list[JournalEntry]:
    try:
        return [move for move in runtime.registry.journal(pipeline.name) if move.alias == CHAMPION]
    except NoSuchModel:
        return []


def _same_request(
    journal: list[JournalEntry], to: str, expected: str | None, actor: str, reason: str
) -> JournalEntry | None:
    """Return the last move if it is what is asked for now: a second click, or a reply that was lost."""
    last = journal[-1] if journal else None
    if last is None or expected is None or last.moved_from != expected:
        return None
    return last if (last.moved_to, last.actor, last.reason) == (to, actor, reason) else None


def _answer(entry: JournalEntry, action: str, key: str) -> dict[str, Any]:
    return {
        "version": entry.moved_to,
        "replaced": entry.moved_from,
        "action": action,
        "actor": entry.actor,
        "reason": entry.reason,
        "key": key,
    }
