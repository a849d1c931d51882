"""Spark on two local cores, with MLflow's `spark_udf` and Arrow between Java and Python."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import mlflow.pyfunc
from pyspark.sql import SparkSession
from pyspark.sql.functions import struct

SETTINGS = {
    "spark.driver.memory": "4g",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.python.worker.reuse": "true",
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}


def main(rows: Path, model: Path, output: Path) -> None:
    """Read, predict and write."""
    os.environ["PYSPARK_PYTHON"] = sys.executable  # else Spark takes the first python3 of the PATH for its workers
    builder = SparkSession.builder.master("local[2]").appName("benchmark")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    try:
        predict = mlflow.pyfunc.spark_udf(spark, str(model.resolve()), result_type="double", env_manager="local")
        names = mlflow.pyfunc.load_model(str(model)).metadata.get_input_schema().input_names()
        frame = spark.read.parquet(str(rows.resolve()))
        scored = frame.select("flight_id", predict(struct(*names)).alias("score"))
        scored.write.mode("overwrite").parquet(str(output.resolve()))
    finally:
        spark.stop()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
