"""LightGBM, 100 trees with 31 leaves: Nightshift beside a script written by hand and beside what others use."""

from __future__ import annotations

from pathlib import Path

from benchmarks.agreement import OTHER_ARITHMETIC, SAME_BOOSTER, disagreement, disagreement_in_order
from benchmarks.data import CSV_ROWS
from benchmarks.measuring.process import Subject
from benchmarks.measuring.turns import in_turn
from benchmarks.places import Place
from benchmarks.results import Found, Target
from benchmarks.studies import subjects
from benchmarks.studies.scale import Scale, make_ready, say, words
from benchmarks.studies.subjects import COMMAND, COMPILED, NATIVE, PANDAS, PYFUNC, RAY, SPARK


def study(folder: Path, rounds: int, scale: Scale) -> Found:
    """Score the same rows with everybody, and hold all scores against those of the script written by hand."""
    place = Place(folder)
    make_ready(folder, scale.rows)
    native = subjects.native_trees(place, scale.rows)
    taking_part = [
        native,
        subjects.compiled_trees(place, scale.rows),
        subjects.plain_trees(place, scale.rows),
        subjects.pyfunc_trees(place, scale.rows),
        subjects.pandas_trees(place, scale.rows),
    ]
    lacking: list[str] = []
    if scale.heavy_peers:
        for peer in (subjects.spark(place, scale.rows), subjects.ray(place, scale.rows)):
            missing = subjects.lacking(peer.name)
            if missing:
                lacking.append(missing)
                say(missing)
            else:
                taking_part.append(peer)
        taking_part.append(subjects.command(place))

    def check(subject: Subject, _: Path) -> str | None:
        if subject.output is None or native.output is None or subject is native:
            return None
        if subject.name == COMMAND:
            return disagreement_in_order(
                subject.name, subject.output, place.models / "rows-ids.parquet", native.output, OTHER_ARITHMETIC
            )
        return disagreement(subject.name, subject.output, native.output, SAME_BOOSTER)

    turns = in_turn(taking_part, rounds, place.logs("scoring"), say, check)
    size = words(scale.rows)
    held = [
        (f"LightGBM, {size} rows, {what}", target, turns.ratio(subject, other, figure))
        for what, target, subject, other, figure in _TARGETS
    ]
    targets = [Target(name, target, ratio) for name, target, ratio in held if ratio is not None]
    rows = turns.table(NATIVE)
    if COMMAND in rows:
        rows[COMMAND]["rows"] = CSV_ROWS
        del rows[COMMAND]["cpu_ratio"], rows[COMMAND]["cpu_ratio_min"], rows[COMMAND]["cpu_ratio_max"]
    return Found(
        f"Scoring with LightGBM, {size} rows",
        rows,
        targets,
        [*_NOTES, *lacking, turns.note(rounds)],
        turns.failures,
        NATIVE,
    )


_TARGETS = [
    ("compiled: CPU / script written by hand", 0.45, COMPILED, NATIVE, "cpu_s"),
    ("compiled: wall / whole file into pandas", 1 / 5, COMPILED, PANDAS, "wall_s"),
    ("compiled: wall / Spark local[2]", 1 / 12, COMPILED, SPARK, "wall_s"),
    ("compiled: wall / Ray Data", 1 / 12, COMPILED, RAY, "wall_s"),
    ("any MLflow model: CPU / script written by hand", 1.35, PYFUNC, NATIVE, "cpu_s"),
]
_NOTES = [
    (
        "Script written by hand: Arrow's reader with dictionaries for text, numpy, the booster's predict with 2 threads on batches of "
        "131,072 rows, the next batch read meanwhile, a Parquet writer."
    ),
    (
        "Nightshift, any MLflow model: the same streaming, with `mlflow.pyfunc` for each batch and the schema enforced. Nightshift "
        "writes three more columns than the others: model version, key, time."
    ),
    "All others load one and the same MLflow model.",
    "Whole file into pandas: `read_parquet`, one `predict`, `to_parquet`.",
    "Spark: local[2], 4 GB for the driver, Arrow with 100,000 rows in a batch, `env_manager` local, workers reused and with one thread each, no UI.",
    "Ray Data: two CPUs, one actor that loads the model once, batches of 131,072 rows as pandas, 1 GB of object store, no dashboard.",
    (
        f"`mlflow models predict`: a CSV file of {CSV_ROWS:,} rows that was written beforehand, `env_manager` local; it writes JSON. "
        "It has fewer rows, so it has no ratio."
    ),
]
