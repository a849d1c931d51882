"""Compile: a registered version's trees as machine code, once per model and kind of processor, kept beside the tables.

Its digest is in the ledger, and is verified before each load: who can write files cannot bring in code. Nothing here fails
a training or a night; without machine code the model's own library scores, and gives the same.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from model_registry import ModelVersion
from pipelines.engine.code import code_digest
from pipelines.engine.errors import KeyBusy
from pipelines.engine.files import sha256_of
from pipelines.engine.keys import TaskKey
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.run_once import Hold
from pipelines.engine.runtime import Runtime
from pipelines.engine.steps.champion import fetch
from pipelines.engine.storage import Location

log = logging.getLogger(__name__)
STEP = "compile"
LONGEST_SECONDS = 600.0
LONGEST_AT_NIGHT = 60.0
"""A night waits no longer: what compiles more slowly is compiled when it is registered, or not at all."""
PAYS_FROM_ROWS = 2_000_000
"""A shard of so many rows is worth the seconds of a compilation, if nobody compiled for this processor before."""


def compile_version(
    runtime: Runtime, pipeline: Pipeline, version: ModelVersion, *, longest_seconds: float = LONGEST_SECONDS
) -> dict[str, Any]:
    """Compile a version for this machine's processor.

    Args:
        runtime: Doors to the outside.
        pipeline: Whose model.
        version: It.
        longest_seconds: After that the compiler is stopped, and the model counts as one that cannot be compiled.

    Returns:
        `version`, `processor`, `object` (a file below `runtime.compiled`, or None if the model cannot be compiled),
        `sha256` of it, `reason` (why it cannot), `key`.

    Raises:
        TamperedModel, RegistryUnavailable, StorageError: As for any step.
    """
    from pipelines.engine.models.compiled import CannotCompile, compile_package, processor

    def work(hold: Hold) -> dict[str, Any]:
        name = f"{version.digest}/{processor()}-{hold.fence}.o"
        result = {"version": version.version, "processor": processor(), "object": None, "sha256": None, "reason": None}
        package = fetch(runtime, version)
        try:
            with (runtime.compiled(pipeline) / name).writing() as temporary:
                compile_package(package, temporary, longest_seconds=longest_seconds)
                digest = sha256_of(temporary)
        except CannotCompile as reason:
            log.info("version %s of %s is scored by its own library: %s", version.version, pipeline.name, reason)
            return {**result, "reason": str(reason)}
        return {**result, "object": name, "sha256": digest}

    return runtime.run(_key(pipeline, version), work, outputs=lambda result: _object(runtime, pipeline, result))


def compile_ahead(runtime: Runtime, pipeline: Pipeline, version: str) -> None:
    """Compile a version that was just registered; what goes wrong is said in the log, and is left to the nights."""
    if not runtime.settings.compiles:
        return
    runtime.progress(0, 1, "compiling the model")
    try:
        compile_version(runtime, pipeline, runtime.registry.version(pipeline.name, version))
    except Exception as error:
        log.warning("version %s of %s was not compiled: %s", version, pipeline.name, error)
    runtime.progress(1, 1, "compiling the model")


def compiled_for(runtime: Runtime, pipeline: Pipeline, version: ModelVersion, rows: int) -> Path | None:
    """Return verified machine code of a version for this processor, or None where the plain model has to do.

    Args:
        runtime: Doors to the outside.
        pipeline: Whose model.
        version: It.
        rows: How many rows wait: many of them are worth compiling now, if nobody did.
    """
    if not runtime.settings.compiles:
        return None
    try:
        result = _known(runtime, pipeline, version)
        if result is None and rows < PAYS_FROM_ROWS:
            return None
        if result is None or not all(made.exists() for made in _object(runtime, pipeline, result)):
            result = compile_version(runtime, pipeline, version, longest_seconds=LONGEST_AT_NIGHT)
        for made in _object(runtime, pipeline, result):
            copy = made.copy_with(result["sha256"])
            if copy is None:
                log.warning("%s is not what was compiled; version %s is scored without it", made, version.version)
            return copy
    except KeyBusy:
        log.info(
            "version %s of %s is just being compiled; scoring does not wait for it", version.version, pipeline.name
        )
    except Exception as error:
        log.warning("version %s of %s is scored without machine code: %s", version.version, pipeline.name, error)
    return None


def _known(runtime: Runtime, pipeline: Pipeline, version: ModelVersion) -> dict[str, Any] | None:
    """Return what a compilation for this processor came to, or None if there was none; nothing is claimed or logged."""
    entry = runtime.ledger.entry(_key(pipeline, version).digest)
    return entry.result if entry and entry.state == "done" else None


def _key(pipeline: Pipeline, version: ModelVersion) -> TaskKey:
    from pipelines.engine.models.compiled import processor

    return TaskKey(
        pipeline=pipeline.name,
        step=STEP,
        partition=version.tags.get("nightshift.as_of", f"version {version.version}"),
        inputs={"model": version.digest, "processor": processor()},
        code=code_digest("pipelines.engine.models.compiled.build"),
    )


def _object(runtime: Runtime, pipeline: Pipeline, result: dict[str, Any]) -> list[Location]:
    return [runtime.compiled(pipeline) / result["object"]] if result["object"] else []
