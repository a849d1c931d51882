"""Every row of a night belongs to exactly one shard, and the shards are about equal."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.rows import NightFile
from pipelines.engine.shards import MOST_SHARDS, USUAL_SHARDS, Shard, plan_shards

groups = st.lists(st.integers(0, 2000), min_size=1, max_size=60)
nights = st.lists(groups, min_size=1, max_size=5).filter(lambda night: sum(map(sum, night)))


def files_of(night):
    return [
        NightFile(
            path=f"/data/{number}.parquet",
            copy=Path("/data"),
            rows=sum(rows),
            row_groups=tuple(rows),
            group_bytes=tuple(max(1, count) for count in rows),  # an empty row group has a header all the same
            size=1,
            modified_ns=1,
            sha256=f"digest-{number}",
        )
        for number, rows in enumerate(night)
    ]


def groups_in(shards):
    return [(piece.path, index) for shard in shards for piece in shard.pieces for index in piece.row_groups]


@given(night=nights, shard_bytes=st.integers(1, 5000))
def test_every_row_group_is_in_exactly_one_shard(night, shard_bytes):
    files = files_of(night)
    shards = plan_shards(files, shard_bytes)
    assert groups_in(shards) == [(str(f.path), index) for f in files for index in range(len(f.row_groups))]
    assert sum(shard.rows for shard in shards) == sum(f.rows for f in files)
    assert [shard.number for shard in shards] == list(range(len(shards)))


@given(night=nights, shard_bytes=st.integers(1, 5000))
def test_pieces_say_where_their_rows_stand_in_the_night(night, shard_bytes):
    files = {str(f.path): f for f in files_of(night)}
    position = 0
    for shard in plan_shards(list(files.values()), shard_bytes):
        for piece in shard.pieces:
            assert piece.first_position == position
            assert piece.rows == sum(files[piece.path].row_groups[index] for index in piece.row_groups)
            assert list(piece.row_groups) == list(range(piece.row_groups[0], piece.row_groups[-1] + 1))
            assert piece.sha256 == files[piece.path].sha256
            position += piece.rows


@given(night=nights, shard_bytes=st.integers(1, 5000))
def test_no_shard_is_empty_or_holds_much_more_than_its_share(night, shard_bytes):
    files = files_of(night)
    shards = plan_shards(files, shard_bytes)
    largest_group = max(max(f.row_groups) for f in files)
    total = sum(f.rows for f in files)  # a row is a byte here
    share = total / max(1, round(total / max(shard_bytes, -(-total // USUAL_SHARDS))))
    assert all(0 < shard.rows < share + largest_group for shard in shards)


@given(number=st.integers(1, 60), size=st.integers(1, 100), shard_bytes=st.integers(1, 5000))
def test_equal_row_groups_give_shards_that_differ_by_one_group_at_most(number, size, shard_bytes):
    shards = plan_shards(files_of([[size] * number]), shard_bytes)
    counts = [shard.rows for shard in shards]
    assert max(counts) - min(counts) <= size


def test_large_night_is_cut_into_tens_of_shards_and_not_hundreds():
    assert 50 < len(plan_shards(files_of([[100] * 5000]), 1)) <= USUAL_SHARDS


@pytest.mark.parametrize("groups", [MOST_SHARDS - 1, MOST_SHARDS, MOST_SHARDS + 1, 5 * MOST_SHARDS + 3])
@pytest.mark.parametrize("empty_at_the_end", [0, 2])
def test_there_are_never_more_shards_than_can_be_mapped(groups, empty_at_the_end):
    night = files_of([[3] * groups + [0] * empty_at_the_end])
    shards = plan_shards(night, 1, MOST_SHARDS)
    assert MOST_SHARDS / 2 < len(shards) <= min(groups, MOST_SHARDS)
    assert min(shard.rows for shard in shards) > 0
    assert len(groups_in(shards)) == groups + empty_at_the_end


def test_small_night_is_one_shard():
    (shard,) = plan_shards(files_of([[10, 10], [5]]), 2_000_000)
    assert (shard.number, shard.rows, len(shard.pieces)) == (0, 25, 2)


def test_plan_is_the_same_each_time():
    night = files_of([[7, 1, 9], [100, 3]])
    assert plan_shards(night, 10) == plan_shards(night, 10)


def test_shard_survives_json():
    import json

    for shard in plan_shards(files_of([[7, 1, 9], [100, 3]]), 10):
        assert Shard.from_json(json.loads(json.dumps(shard.to_json()))) == shard


def test_content_does_not_depend_on_file_names():
    night = files_of([[7, 1, 9]])
    renamed = [replace(f, path="/elsewhere/x.parquet") for f in night]
    assert [s.content for s in plan_shards(night, 8)] == [s.content for s in plan_shards(renamed, 8)]
