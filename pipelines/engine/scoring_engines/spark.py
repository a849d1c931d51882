"""Score in the executors of a Spark cluster: each shard is one job of one task, and Spark's scheduler spreads them.

The driver, which is whoever calls, keeps the shard's key. So Spark may try a task again when an executor is lost: the
file is named by key and fence, and written whole or not at all, with the same bytes each time.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from pipelines.engine.errors import EngineError, EngineMismatch, EngineUnavailable
from pipelines.engine.scoring import ShardScores
from pipelines.engine.scoring_engines.base import ShardWork
from pipelines.engine.scoring_engines.executor import read_answer
from pipelines.engine.scoring_engines.orders import Packages, make_order
from pipelines.engine.scoring_engines.session import open_session, said_by, without_secrets

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)


class SparkEngine:
    """Gives shards to a cluster.

    Args:
        address: See `open_session`.
        at_once: How many shards are given to it at the same time.
    """

    name = "spark"

    def __init__(self, address: str, at_once: int) -> None:
        self._address = address
        self.at_once = at_once
        self._packages = Packages()
        self._lock = Lock()
        self._session: SparkSession | None = None
        self._tag = f"nightshift-{uuid.uuid4().hex[:12]}"

    def score(self, work: ShardWork) -> ShardScores:
        """Have one shard scored.

        Raises:
            EngineMismatch: The executors have no Nightshift, another one, or another Python.
            EngineUnavailable: The cluster does not answer, or lost the task too often.
            Whatever `score_shard` raised there.
        """
        order = make_order(work, self._packages.place(work))
        session = self._open()
        try:
            session.addTag(self._tag)
            (answer,) = carry_out_all(session, [order])
        except Exception as error:  # each of Spark's two faces has errors of its own, and py4j and gRPC add theirs
            raise self._in_words(error) from error
        return read_answer(answer)

    def stop(self) -> None:
        """Interrupt the jobs of this engine, and of nobody else."""
        with self._lock:
            if self._session is not None:
                self._session.interruptTag(self._tag)

    def close(self) -> None:
        """End the session."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.stop()

    def _open(self) -> SparkSession:
        with self._lock:
            if self._session is None:
                self._session = open_session(self._address)
                log.info("scoring on Spark %s at %s", self._session.version, without_secrets(self._address))
            return self._session

    def _in_words(self, error: Exception) -> EngineError:
        said, where = said_by(error), without_secrets(self._address)
        if any(word in str(error) for word in ("PYTHON_VERSION_MISMATCH", "ModuleNotFoundError")):
            return EngineMismatch(
                f"Spark at {where} cannot run our Python: {said}\n"
                "Executors need the same Python and the same lock as the machine that asks; see docs/spark.md."
            )
        return EngineUnavailable(
            f"Spark at {where} did not finish a shard: {said}\n"
            "Nothing of it is seen. The retry goes on where this one stopped; if it comes again, look into Spark's logs."
        )


def in_executor(orders: Sequence[str]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return what Spark runs in executors: for each `id` that it is given, the order of that number is carried out.

    It is a function inside of a function, for then it is sent as code: an executor without Nightshift can say so.
    """

    def carry_out(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import json

        import pyarrow as pa

        for number in [number for batch in batches for number in batch.column("id").to_pylist()]:
            try:
                from pipelines.engine.scoring_engines.executor import answer
            except ImportError as error:
                said = json.dumps({"missing": str(error)})
            else:
                said = answer(orders[number])
            yield pa.RecordBatch.from_pydict({"id": [number], "answer": [said]})

    return carry_out


def carry_out_all(session: SparkSession, orders: Sequence[str]) -> list[str]:
    """Carry orders out as one Spark job, a task for each, and return their answers in the same order."""
    tasks = session.range(0, len(orders), 1, len(orders))
    rows = tasks.mapInArrow(in_executor(orders), "id long, answer string").collect()
    return [row["answer"] for row in sorted(rows, key=lambda row: row["id"])]
