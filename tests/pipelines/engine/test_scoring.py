"""However a night is cut and whoever scores it: each row is scored once, and its score is the same to the last bit."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.engine import scoring
from pipelines.engine.models.compiled.build import build
from pipelines.engine.package import load_scorer
from pipelines.engine.pipeline import Checks, Gate, Labels, Pipeline, Rows, Window
from pipelines.engine.rows import inspect_files
from pipelines.engine.score_form import ScoreForm
from pipelines.engine.scoring import Stamp, score_shard
from pipelines.engine.shards import plan_shards
from pipelines.engine.storage import here
from tests.pipelines.engine.models import boosters
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import known_suites

COLUMNS = {"name": "string", "letter": "string", "size": "double", "count": "int64", "sign": "double"}
KINDS = {"string": pa.string(), "double": pa.float64(), "int64": pa.int64()}
SCHEMA = pa.schema([(name, KINDS[kind]) for name, kind in COLUMNS.items()])
ROW = st.tuples(
    st.sampled_from([*boosters.LETTERS, "unseen", "", None]),
    st.one_of(st.floats(), st.none()),
    st.one_of(st.integers(-(2**63), 2**63 - 1), st.none()),
    st.one_of(st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-40, float("nan"), float("-inf")]), st.none()),
)
FILES = st.lists(st.lists(ROW, max_size=30), min_size=1, max_size=4).filter(any)


@pytest.fixture(scope="module")
def pipeline():
    with known_suites():
        return Pipeline(
            name="letters",
            question="Is it one?",
            rows=Rows(columns=COLUMNS),
            labels=Labels(columns={"name": "string", "one": "int64"}, target="one"),
            id_columns=["name"],
            features=["letter", "size", "count", "sign"],
            fit=tides.fit_classifier,
            checks=Checks(rows="tides_rows", labels="tides_labels"),
            window=Window(nights=6, holdout=3),
            gate=Gate(metric="roc_auc", threshold=0.6),
        )


@pytest.fixture(scope="module")
def scorers(tmp_path_factory):
    """The plain model and the compiled one."""
    folder = boosters.package(tmp_path_factory.mktemp("scorers") / "package")
    build(folder, folder.parent / "model.o")
    return load_scorer(folder), load_scorer(folder, compiled=folder.parent / "model.o")


def deliver(folder: Path, files, row_group):
    """Write the files of a night, one of them perhaps empty, and return them as they are found."""
    paths = []
    for number, rows in enumerate(files):
        columns = [[f"{number}-{place}" for place in range(len(rows))], *([row[at] for row in rows] for at in range(4))]
        table = pa.table([pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)], SCHEMA)
        paths.append(here(folder / f"{number}.parquet"))
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=row_group)
    return inspect_files(paths, COLUMNS)


def scores(pipeline, scorer, folder, shards, refused, **more):
    """Score all shards, and return each row's score by its name."""
    found = {}
    for shard in shards:
        output = folder / f"shard-{shard.number}.parquet"
        said = score_shard(
            pipeline,
            shard,
            scorer,
            refused,
            Stamp("1", "key", datetime(2024, 1, 1, tzinfo=UTC)),
            here(output),
            here(folder),
            form=ScoreForm(),
            **more,
        )
        assert said.warning is None
        assert (said.scorer, said.rows_in) == (scorer.name, shard.rows)
        table = pq.read_table(output)
        assert table.num_rows == said.rows_scored
        assert sum(said.histogram) == said.rows_scored
        names = table["name"].to_pylist()
        assert not set(names) & set(found), "a row was scored twice"
        found.update(zip(names, table["score"].to_pylist(), strict=True))
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FILES, row_group=st.integers(1, 20), share=st.integers(1, 4000), refuse=st.sets(st.integers(0, 119)))
def test_whole_sharded_plain_and_compiled_give_the_same(
    tmp_path_factory, monkeypatch, pipeline, scorers, files, row_group, share, refuse
):
    folder = tmp_path_factory.mktemp("night")
    plain, compiled = scorers
    night = deliver(folder, files, row_group)
    rows = sum(len(rows) for rows in files)
    refused = np.array(sorted(place for place in refuse if place < rows), dtype=np.int64)
    (whole,) = plan_shards(night, 2**40)
    expected = scores(pipeline, plain, folder, [whole], refused, threads=1)
    assert len(expected) == rows - len(refused)
    monkeypatch.setattr(scoring, "BATCH_ROWS", 7)
    monkeypatch.setattr(scoring, "IN_FLIGHT_BYTES", 500)
    assert scores(pipeline, compiled, folder, [whole], refused, threads=3) == expected
    assert scores(pipeline, compiled, folder, plan_shards(night, share), refused, threads=1) == expected
    assert scores(pipeline, plain, folder, plan_shards(night, 1), refused, threads=2) == expected


def test_a_shard_whose_rows_are_all_refused_is_an_empty_file(tmp_path, pipeline, scorers):
    night = deliver(tmp_path, [[("a", 1.0, 1, 0.0)] * 5], 2)
    for scorer in scorers:
        assert scores(pipeline, scorer, tmp_path, plan_shards(night, 1), np.arange(5)) == {}


def test_progress_is_told_in_rows(tmp_path, monkeypatch, pipeline, scorers):
    night = deliver(tmp_path, [[("a", 1.0, 1, 0.0)] * 20], 20)
    monkeypatch.setattr(scoring, "BATCH_ROWS", 8)
    told = []
    scores(
        pipeline, scorers[1], tmp_path, plan_shards(night, 2**40), np.empty(0), progress=lambda *said: told.append(said)
    )
    assert told == [(done, 20, "scoring 20 rows") for done in (8, 16, 20)]
