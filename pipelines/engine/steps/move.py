"""Move: a person makes another version champion, by rolling back or by promoting one by hand.

The same compare-and-set, journal and claim as a promotion by the gate. What the person saw is a part of the request: when
the champion is another one by now, nothing is moved. Asking for the same move twice, as with two clicks, moves once. A move
that was killed half-way is brought to its end by whoever comes next, under the name of whoever began it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from model_registry import JournalEntry, ModelVersion, NoSuchAlias, NoSuchModel
from pipelines.engine.errors import ModelError, UsageError
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger.values import Entry, moment
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.run_once import Hold, exclusive
from pipelines.engine.runtime import Runtime
from pipelines.engine.steps.champion import CHAMPION, PREVIOUS, fetch, find_champion, no_champion

STEP = "move"
GATE_TAG = "nightshift.gate"
LONGEST_REASON = 1000


@dataclass(frozen=True)
class _Request:
    """What a person asks for; `to` is None for a roll back, whose version follows from what is there."""

    action: Literal["roll back", "promote"]
    actor: str
    reason: str
    expected: str | None
    to: str | None = None

    @property
    def said(self) -> dict[str, str]:
        return {"action": self.action, "actor": self.actor, "reason": self.reason}

    def is_of(self, move: Entry) -> bool:
        """Whether a move in the ledger was made, or begun, at this very request."""
        inputs = move.identity["inputs"]
        return (
            move.identity["parameters"] == self.said
            and self.to in (None, inputs["to"])
            and self.expected in (None, inputs["replaces"])
        )


@dataclass(frozen=True)
class _Seen:
    """How things stand in the registry: the champion, and every move of it that the journal tells."""

    champion: ModelVersion | None
    journal: Sequence[JournalEntry]

    @property
    def version(self) -> str | None:
        return self.champion.version if self.champion else None


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
    request = _request("roll back", actor, reason, expected)
    return _move(runtime, pipeline, request, lambda seen: _previous(runtime, pipeline, seen))


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
    request = _request("promote", actor, reason, expected, version)
    wanted = runtime.registry.version(pipeline.name, version)
    if wanted.tags.get(GATE_TAG) != "open" and not despite_gate:
        raise ModelError(
            f"the gate refused version {version} of {pipeline.name}; `nightshift models {pipeline.name}` says why. "
            "To promote it all the same, say so on purpose: --despite-gate."
        )
    return _move(runtime, pipeline, request, lambda seen: wanted)


def _request(
    action: Literal["roll back", "promote"], actor: str, reason: str, expected: str | None, to: str | None = None
) -> _Request:
    """Check what a person asks for.

    Raises:
        UsageError: No reason is given, or a novel.
    """
    actor, reason = (text.encode("utf-8", "replace").decode().replace("\0", "?").strip() for text in (actor, reason))
    if not reason:
        raise UsageError("a reason is needed: it is what the journal tells whoever asks why the champion changed")
    if len(reason) > LONGEST_REASON:
        raise UsageError(f"the reason has {len(reason)} characters; the journal keeps up to {LONGEST_REASON}")
    return _Request(action, actor, reason, expected, to)


def _move(
    runtime: Runtime, pipeline: Pipeline, request: _Request, choose: Callable[[_Seen], ModelVersion]
) -> dict[str, Any]:
    seen = _look(runtime, pipeline)
    last = next(iter(runtime.ledger.entries(pipeline=pipeline.name, step=STEP)), None)
    if last is not None and _is_half_done(last, seen):
        finished = _carry_out(runtime, TaskKey(**last.identity))
        if request.is_of(last):
            return finished
        seen = _look(runtime, pipeline)
    elif last is not None and request.expected is not None and _is_latest(last, seen) and request.is_of(last):
        return {**(last.result or {}), "key": last.key}
    if request.expected is not None and request.expected != seen.version:
        raise ModelError(
            f"the champion of {pipeline.name} is version {seen.version or 'none'} now, and not version {request.expected} as "
            "you saw it: nothing was moved. Look again, and decide anew."
        )
    to = choose(seen)
    if to.version == seen.version:
        raise UsageError(f"version {to.version} is the champion of {pipeline.name} already")
    fetch(runtime, to)  # a damaged model is found now, and not tonight
    inputs = {"to": to.version, "replaces": seen.version, "moves_before": len(seen.journal)}
    key = TaskKey(
        pipeline=pipeline.name, step=STEP, partition=f"version-{to.version}", inputs=inputs, parameters=request.said
    )
    return _carry_out(runtime, key)


def _look(runtime: Runtime, pipeline: Pipeline) -> _Seen:
    try:
        journal = [move for move in runtime.registry.journal(pipeline.name) if move.alias == CHAMPION]
    except NoSuchModel:
        journal = []
    return _Seen(find_champion(runtime, pipeline), journal)


def _is_half_done(move: Entry, seen: _Seen) -> bool:
    """Whether a move has happened and the ledger does not know: its champion scores already, or the journal tells of it."""
    inputs = move.identity["inputs"]
    if move.state == "done" or seen.version != inputs["to"]:
        return False
    return len(seen.journal) == inputs["moves_before"] or _is_latest(move, seen)


def _is_latest(move: Entry, seen: _Seen) -> bool:
    """Whether nothing was moved after it."""
    return bool(seen.journal) and seen.journal[-1].key == move.key and seen.version == move.identity["inputs"]["to"]


def _carry_out(runtime: Runtime, key: TaskKey) -> dict[str, Any]:
    """Move the aliases as a key says; again, if that was begun before."""
    to, replaces = key.inputs["to"], key.inputs["replaces"]
    actor, reason = key.parameters["actor"], key.parameters["reason"]

    def work(hold: Hold) -> dict[str, Any]:
        hold.check()
        with exclusive(runtime.ledger, TaskKey(pipeline=key.pipeline, step="aliases", partition="all")):
            at = moment(runtime.ledger.now())
            runtime.registry.promote(
                key.pipeline, to=to, expected=replaces, key=key.digest, actor=actor, reason=reason, at=at
            )
        return {"version": to, "replaced": replaces, **key.parameters}

    return runtime.run(key, work)


def _previous(runtime: Runtime, pipeline: Pipeline, seen: _Seen) -> ModelVersion:
    """Return the version to fall back to.

    `previous` is moved before `champion`. Where an attempt was killed between the two, both name one version, and only the
    journal knows which one it replaced.
    """
    if seen.champion is None:
        raise no_champion(pipeline)
    try:
        previous = runtime.registry.resolve(pipeline.name, PREVIOUS)
    except NoSuchAlias:
        raise _is_the_first(pipeline, seen) from None
    if previous.version != seen.version:
        return previous
    replaced = next((move.moved_from for move in reversed(seen.journal) if move.moved_to == seen.version), None)
    if replaced is None:
        raise _is_the_first(pipeline, seen)
    return runtime.registry.version(pipeline.name, replaced)


def _is_the_first(pipeline: Pipeline, seen: _Seen) -> UsageError:
    return UsageError(
        f"{pipeline.name} has no previous champion: version {seen.version} is the first one, so there is nothing "
        f"to roll back to. `nightshift models {pipeline.name}` shows its versions."
    )
