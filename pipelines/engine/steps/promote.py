"""Register a judged model once, and make it champion if the gate opened."""

from __future__ import annotations

from typing import Any

from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger.values import moment
from pipelines.engine.moments import reached
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.run_once import Hold, exclusive
from pipelines.engine.runtime import Runtime
from pipelines.engine.steps.champion import CHAMPION
from pipelines.engine.steps.compile import compile_ahead


def register(runtime: Runtime, pipeline: Pipeline, trained: dict[str, Any], judged: dict[str, Any]) -> dict[str, Any]:
    """Register a trained model, whatever the verdict is: a refused one can be looked at, too.

    It is compiled as well, so that the first night finds machine code.

    Returns:
        `as_of`, `version`, `model_digest`, `run_id`, `card` (path of the model card, or None if none could be written),
        `key`.

    Raises:
        RegistryUnavailable: MLflow does not answer.
    """
    key = TaskKey(
        pipeline=pipeline.name, step="register", partition=trained["as_of"], inputs={"trained": trained["key"]}
    )

    def work(hold: Hold) -> dict[str, Any]:
        verdict = "open" if judged["opened"] else "closed"
        version = runtime.registry.register_once(
            pipeline.name,
            key=key.digest,
            run_id=trained["run_id"],
            description=f"{pipeline.question}\n\nTrained as of {trained['as_of']}. Gate {verdict}: {judged['reasons'][0]}.",
            tags={"nightshift.as_of": trained["as_of"], "nightshift.gate": verdict},
        )
        reached("registered")
        result = {
            "as_of": trained["as_of"],
            "version": version.version,
            "model_digest": version.digest,
            "run_id": version.run_id,
        }
        return {**result, "card": _card(runtime, pipeline, hold, result)}

    registered = runtime.run(key, work)
    compile_ahead(runtime, pipeline, registered["version"])
    return registered


def _card(runtime: Runtime, pipeline: Pipeline, hold: Hold, result: dict[str, Any]) -> str | None:
    from pipelines.engine.reports.writing import write_model_card

    return write_model_card(runtime, pipeline, hold, result)


def promote(
    runtime: Runtime, pipeline: Pipeline, registered: dict[str, Any], judged: dict[str, Any], *, actor: str
) -> dict[str, Any]:
    """Make a registered version champion if the gate opened and the champion is still the one it was judged against.

    Returns:
        `as_of`, `version`, `promoted`, `reasons`, `replaced` (the version before, or None), `key`.

    Raises:
        AliasMoved: Another champion came meanwhile; judge again.
        RegistryUnavailable: MLflow does not answer.
    """
    key = TaskKey(
        pipeline=pipeline.name,
        step="promote",
        partition=registered["as_of"],
        inputs={"version": registered["version"], "judged": judged["key"], "replaces": judged["champion_version"]},
    )

    def work(hold: Hold) -> dict[str, Any]:
        against = _why_not(runtime, pipeline, registered["version"], key.digest)
        promoted = judged["opened"] and not against
        result = {
            "as_of": registered["as_of"],
            "version": registered["version"],
            "promoted": promoted,
            "reasons": [*against, *judged["reasons"]],
            "replaced": judged["champion_version"],
        }
        if promoted:
            hold.check()
            with exclusive(runtime.ledger, TaskKey(pipeline=pipeline.name, step="aliases", partition="all")):
                runtime.registry.promote(
                    pipeline.name,
                    to=registered["version"],
                    expected=judged["champion_version"],
                    key=key.digest,
                    actor=actor,
                    reason="; ".join(judged["reasons"]),
                    at=moment(runtime.ledger.now()),  # a journal tells when it was, whatever is being replayed
                )
        return result

    return runtime.run(key, work)


def _why_not(runtime: Runtime, pipeline: Pipeline, version: str, key: str) -> list[str]:
    """Say why a version is not promoted though the gate is open; empty if nothing speaks against it.

    A version that was champion before was replaced or rolled back on purpose: running its training again must not
    undo that. Entries under our own key are those of an attempt that was killed half-way.
    """
    moves = [move for move in runtime.registry.journal(pipeline.name) if move.alias == CHAMPION]
    if any(move.moved_to == version and move.key != key for move in moves):
        return [
            f"version {version} was champion before and no longer is; running its training again does not undo that"
        ]
    return []
