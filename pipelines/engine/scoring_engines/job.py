"""Many shards as one batch job, for clouds that take jobs instead of sessions.

    spark-submit job.py s3://LAKE/tables/flights/jobs/NAME-1.json s3://LAKE/tables/flights/jobs/NAME.answers.json

The job reads its orders from the first file, carries them out as one Spark job with a task for each, and writes their
answers to the second one, whole or not at all. It knows no ledger: whoever submitted it records what came out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from pipelines.engine.errors import StorageError, UsageError
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.runtime import Runtime
from pipelines.engine.scoring_engines.executor import local_copies
from pipelines.engine.scoring_engines.spark import carry_out_all
from pipelines.engine.storage import Location, Storage

FOLDER = "jobs"


def jobs_folder(runtime: Runtime, pipeline: Pipeline) -> Location:
    """Where the files of batch jobs lie."""
    return runtime.storage.at(runtime.settings.tables) / pipeline.name / FOLDER


def read_list(file: Location) -> list[str]:
    """Read orders or answers.

    Raises:
        StorageError: There is no such file, or it is another kind of file.
    """
    try:
        told = json.loads(file.read_text() or "null")
    except ValueError:
        told = None
    if not isinstance(told, list) or not all(isinstance(one, str) for one in told):
        raise StorageError(f"{file} cannot be read; expected a list of texts, as a scoring job has. Run the job again.")
    return told


def main(arguments: Sequence[str]) -> None:
    """Carry out the orders of a file on the cluster that this process drives.

    Raises:
        UsageError: No file is named.
        StorageError: It cannot be read, or the answers cannot be written.
    """
    from pyspark.sql import SparkSession

    if len(arguments) != 2 or not all(place.endswith(".json") for place in arguments):
        raise UsageError(f"expected the addresses of two files, ORDERS.json and ANSWERS.json; got {list(arguments)}")
    orders_place, answers_place = arguments
    storage = Storage(local_copies())
    orders = read_list(storage.at(orders_place))
    session = SparkSession.builder.appName("nightshift").getOrCreate()
    try:
        answers = carry_out_all(session, orders)
    finally:
        session.stop()
    storage.at(answers_place).write_text(json.dumps(answers))


if __name__ == "__main__":
    main(sys.argv[1:])
