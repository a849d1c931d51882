"""No peer is measured doing less or other work: scores are compared, in whatever order they were written."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.agreement import disagreement, disagreement_in_order

IDS = ["a", "b", "c", "a"]
SCORES = [0.1, 0.2, 0.3, 0.1]


def written(path: Path, ids: list[str], scores: list[float | None]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"flight_id": ids, "score": pa.array(scores, pa.float64())}), path)
    return path


@pytest.fixture
def reference(tmp_path) -> Path:
    return written(tmp_path / "reference.parquet", IDS, SCORES)


def test_same_scores_in_another_order_and_in_several_files_agree(tmp_path, reference) -> None:
    written(tmp_path / "peer/one.parquet", ["c", "a"], [0.3, 0.1])
    written(tmp_path / "peer/two.parquet", ["a", "b"], [0.1, 0.2 + 1e-12])
    assert disagreement("peer", tmp_path / "peer", reference, 1e-9) is None


@pytest.mark.parametrize(
    ("ids", "scores", "words"),
    [
        (IDS, [0.1, 0.2, 0.3001, 0.1], "other scores: they differ by up to 0.0001"),
        (IDS, [0.1, 0.2, 0.3, 0.7], "other scores"),  # one of two rows of the same flight
        (IDS[:3], SCORES[:3], "not score the same rows: 1 flights"),
        ([*IDS, "d"], [*SCORES, 0.4], "not score the same rows: 1 flights"),
        (IDS, [0.1, None, 0.3, 0.1], "no score for 1 flights"),
        (IDS, [0.1, float("nan"), 0.3, 0.1], "no score for 1 flights"),
    ],
)
def test_other_scores_and_rows_are_found(tmp_path, reference, ids, scores, words) -> None:
    assert words in disagreement("peer", written(tmp_path / "peer.parquet", ids, scores), reference, 1e-6)


def test_nothing_written_is_found(tmp_path, reference) -> None:
    assert disagreement("peer", tmp_path / "nothing", reference, 1e-6) == "peer wrote no scores"


def test_predictions_without_ids_are_compared_in_order(tmp_path, reference) -> None:
    ids = written(tmp_path / "ids.parquet", IDS, SCORES)
    output = tmp_path / "predictions.json"
    for scores, words in [
        (SCORES, None),
        ([0.2, 0.1, 0.3, 0.1], "other scores"),
        (SCORES[:3], "gave 3 scores for 4 rows"),
        ([None, *SCORES[1:]], "no score for 1 flights"),
    ]:
        output.write_text(json.dumps({"predictions": scores}))
        said = disagreement_in_order("peer", output, ids, reference, 1e-6)
        assert said is None if words is None else words in said
    output.write_text("no JSON")
    assert "no predictions that can be read" in disagreement_in_order("peer", output, ids, reference, 1e-6)
