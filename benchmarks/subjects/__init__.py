"""What is measured, one whole process each: `python -m benchmarks.subjects.<name> ROWS MODEL OUTPUT`.

native_trees.py      LightGBM in a script written by hand: Arrow's reader, numpy, the booster, a Parquet writer
native_logistic.py   logistic regression likewise, in blocks of rows that fit the processor's cache
ours.py              Nightshift's way to score a shard: plain, compiled, or through MLflow's pyfunc
pandas_whole.py      everything into pandas, one predict, one file: what most templates do
spark_udf.py         Spark with MLflow's `spark_udf`; runs in `.venv-bench`
ray_data.py          Ray Data's `map_batches`; runs in `.venv-bench`
pandera_checks.py    the validation study's checks in pandera; runs in `.venv-bench`

`ROWS` is a folder of Parquet files, `MODEL` what the subject reads, `OUTPUT` a file or folder that it writes: `flight_id` and
`score` of every row. A subject imports no other and nothing of the harness: a script written by hand would not either.
"""
