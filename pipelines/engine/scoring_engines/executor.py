"""Carry an order out, on whatever machine this is: plain JSON in, plain JSON out.

Errors that Nightshift says on purpose are given back as a part of the answer, so that they come out of the engine as
what they are. Anything else is raised, and tried again by whoever runs this.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from model_registry import RegistryError, TamperedModel
from pipelines.engine import catalog
from pipelines.engine.errors import EngineMismatch, NightshiftError, StorageError
from pipelines.engine.home import private_folder
from pipelines.engine.models import Scorer
from pipelines.engine.package import load_scorer, read_form
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.score_form import ScoreForm, check_form
from pipelines.engine.scoring import ShardScores, Stamp, read_positions, score_shard
from pipelines.engine.scoring_engines.orders import declared, our_code, our_libraries, read_order
from pipelines.engine.shards import Shard
from pipelines.engine.storage import Location, Storage


def answer(text: str) -> str:
    """Carry an order out, and say how it went: `scores`, or `error` with `kind` and `message`; and `key` and `output`."""
    order = read_order(text)
    said = {"key": order["key"], "output": order["output"]}
    try:
        return json.dumps({**said, "scores": asdict(carry_out(order))})
    except (NightshiftError, RegistryError) as error:
        return json.dumps({**said, "error": {"kind": type(error).__name__, "message": str(error)}})


def read_answer(text: str) -> ShardScores:
    """Return what came out, on the side of whoever gave the order.

    Raises:
        NightshiftError, RegistryError: What went wrong there, as the error that it was there.
        StorageError: It is no answer.
    """
    try:
        return _read_answer(json.loads(text))
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(
            f"an answer from where shards are scored cannot be read: {text[:200]!r} ({error!r})"
        ) from error


def _read_answer(said: dict[str, Any]) -> ShardScores:
    if "missing" in said:
        raise EngineMismatch(
            f"Nightshift cannot be imported where shards are scored: {said['missing']}. Nothing was scored.\n"
            "Install it there from the same commit and the same lock, on every machine; see docs/spark.md."
        )
    if "error" in said:
        raise _error(said["error"]["kind"], said["error"]["message"])
    scores = said["scores"]
    return ShardScores(
        scores["rows_in"],
        scores["rows_scored"],
        scores["score_sum"],
        tuple(scores["histogram"]),
        edges=tuple(scores["edges"]),
    )


def _error(kind: str, message: str) -> Exception:
    for root in (NightshiftError, RegistryError):
        for known in _tree(root):
            if known.__name__ == kind:
                return known(message)
    return StorageError(f"{kind}: {message}")


def _tree(root: type[Exception]) -> list[type[Exception]]:
    return [root, *(kind for child in root.__subclasses__() for kind in _tree(child))]


def carry_out(order: dict[str, Any]) -> ShardScores:
    """Score a shard into its file.

    Raises:
        EngineMismatch: What is installed here differs from what gave the order.
        Whatever `score_shard` raises.
    """
    pipeline = _same_here(order)
    storage = Storage(local_copies())
    quarantine = storage.at(order["quarantine"]) if order["quarantine"] else None
    refused = read_positions(quarantine, order["quarantine_sha256"])
    stamp = Stamp(order["model_version"], order["key"], datetime.fromisoformat(order["scored_at"]))
    scorer, form = _scorer(storage.at(order["package"]), order["package_sha256"])
    check_form(pipeline, form, order["model_version"])
    delivered = storage.at(order["rows"])
    shard, output = Shard.from_json(order["shard"]), storage.at(order["output"])
    # Spark gives a task one core (`spark.task.cpus`) and runs as many tasks as a worker has cores.
    return score_shard(pipeline, shard, scorer, refused, stamp, output, delivered, form=form, threads=1)


def _same_here(order: dict[str, Any]) -> Pipeline:
    """Return the pipeline, if this machine would score as the one that gave the order."""
    differs = [
        f"{name} {order['libraries'].get(name) or 'missing'} there, {ours or 'missing'} here"
        for name, ours in our_libraries().items()
        if ours != order["libraries"].get(name)
    ]
    if our_code() != order["code"]:
        differs.insert(0, f"Nightshift's code is {order['code'][:12]} there, {our_code()[:12]} here")
    pipeline = catalog.load_pipeline(order["pipeline"]) if not differs else None
    if pipeline is not None and declared(pipeline) != order["declared"]:
        differs.append(f"the columns of pipeline {pipeline.name} are declared otherwise")
    if pipeline is None or differs:
        raise EngineMismatch(
            f"what gave the order (there) and {os.uname().nodename}, which was to score it (here), differ: "
            f"{'; '.join(differs)}. Nothing was scored.\n"
            "Install the same commit with the same lock on every machine of the cluster; see docs/spark.md."
        )
    return pipeline


def local_copies() -> Path:
    """Return a folder of this machine for copies, of the account that runs this alone."""
    folder = Path(tempfile.gettempdir()) / f"nightshift-{os.getuid()}"
    try:
        private_folder(folder)
        if folder.stat().st_uid != os.getuid():
            raise PermissionError(1, "it belongs to somebody else")
    except OSError as error:
        raise StorageError(
            f"cannot use {folder} for copies of remote files: {error.strerror}. Say where to with TMPDIR."
        ) from error
    return folder


@lru_cache(maxsize=1)
def _scorer(package: Location, sha256: str) -> tuple[Scorer, ScoreForm]:
    """Return the model of a package that has the digest, loaded once in each process, and the form of its scores.

    Raises:
        TamperedModel: The file has another digest, or is gone.
    """
    copy = package.copy_with(sha256)
    packed = copy.read_bytes() if copy else b""
    if hashlib.sha256(packed).hexdigest() != sha256:  # digested as they are loaded: nobody changes them in between
        found = "other bytes" if package.exists() else "no file"
        raise TamperedModel(
            f"{package} was packed with digest {sha256[:12]}, and there is now {found}. It is not loaded, and nothing was "
            "scored. Find out who changed it; the next run packs the model of the registry again."
        )
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(folder)
        return load_scorer(Path(folder)), read_form(Path(folder))
