"""A file that was given up is never published any more, whoever was slow."""

import pytest
from deltalake import DeltaTable

from pipelines.engine.errors import PublicationConflict, StorageError
from pipelines.engine.moments import listening
from pipelines.engine.publication.delta import named_files
from pipelines.engine.publication.given_up import floor_of, given_up
from pipelines.engine.publication.names import read_shard_path, shard_path
from pipelines.engine.storage import here
from pipelines.engine.tidy import giving_up
from tests.pipelines.engine.tables import put, scores_of, write_shard

NIGHT, OTHER = "2013-11-01", "2013-11-02"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "flights" / "predictions"


@pytest.fixture
def replaced(folder):
    """A shard that was published, and then replaced by another one."""
    first = write_shard(folder, NIGHT, "aa", {"f1": 0.1})
    put(folder, NIGHT, [first], "first")
    put(folder, NIGHT, [write_shard(folder, NIGHT, "bb", {"f1": 0.2})], "second")
    return first


def give_up(folder, **floors):
    return giving_up.give_up(here(folder), {f"2013-11-0{name[-1]}": ms for name, ms in floors.items()})


def test_name_of_a_shard_tells_night_key_fence_and_claim():
    name = read_shard_path(shard_path(NIGHT, "ab" * 32, 7, 12.5))
    assert (name.night, name.key, name.fence, name.claimed_ms) == (NIGHT, "ab" * 16, 7, 12_500)


@pytest.mark.parametrize(
    "path", ["night=2013-11-01/part-0.parquet", "notes.txt", f"{shard_path(NIGHT, 'ab' * 32, 1, 0)}x"]
)
def test_other_files_are_no_shards(path):
    assert read_shard_path(path) is None


def test_only_files_that_are_not_shown_and_not_younger_are_given_up():
    old, floor, young, shown = (shard_path(NIGHT, "ab" * 32, 1, seconds) for seconds in (1, 2, 2.001, 0))
    assert given_up([old, floor, young, shown, "notes.txt"], [shown], 2_000) == [old, floor]
    assert given_up([old], [], -1) == []


def test_replaced_files_may_be_published_again_before_they_are_given_up(folder, replaced):
    put(folder, NIGHT, [replaced], "third")
    assert scores_of(folder, NIGHT) == {"f1": 0.1}


def test_file_that_was_given_up_is_refused_and_removed(folder, replaced):
    give_up(folder, night1=0)
    with pytest.raises(StorageError, match=r"was given up by `nightshift tidy`[^$]*it is scored anew"):
        put(folder, NIGHT, [replaced], "third")
    assert not (folder / replaced.path).exists()
    assert scores_of(folder, NIGHT) == {"f1": 0.2}


def test_giving_up_right_before_the_commit_is_noticed(folder, replaced):
    """The publisher found its files, and asked whether it may commit; then it stood still."""
    with (
        listening(lambda moment: moment == "may commit" and give_up(folder, night1=0)),
        pytest.raises(StorageError, match="was given up"),
    ):
        put(folder, NIGHT, [replaced], "third")
    assert scores_of(folder, NIGHT) == {"f1": 0.2}


def test_what_was_published_before_it_is_given_up_is_named_by_the_answer(folder, replaced):
    put(folder, NIGHT, [replaced], "third")
    assert replaced.path in named_files(give_up(folder, night1=0))
    assert scores_of(folder, NIGHT) == {"f1": 0.1}


def test_other_nights_are_not_given_up(folder, replaced):
    give_up(folder, night2=10**15)
    put(folder, NIGHT, [replaced], "third")
    assert scores_of(folder, NIGHT) == {"f1": 0.1}


def test_floors_rise_and_never_fall_and_nothing_new_needs_no_commit(folder, replaced):
    before = DeltaTable(str(folder)).version()
    assert floor_of(give_up(folder, night1=5, night2=6), NIGHT) == 5
    assert DeltaTable(str(folder)).version() == before + 1
    assert floor_of(give_up(folder, night1=4, night2=6), NIGHT) == 5
    assert DeltaTable(str(folder)).version() == before + 1
    assert floor_of(give_up(folder, night1=6), NIGHT) == 6


def test_floor_survives_a_checkpoint(folder, replaced):
    give_up(folder, night1=5).create_checkpoint()
    assert floor_of(DeltaTable(str(folder)), NIGHT) == 5


def test_table_that_keeps_changing_is_left_alone(folder, replaced, monkeypatch):
    monkeypatch.setattr(giving_up, "MOST_TRIES", 0)
    with pytest.raises(PublicationConflict, match="nothing was removed"):
        give_up(folder, night1=5)


def test_folder_without_a_table_is_said_in_words(folder):
    with pytest.raises(StorageError, match="is no Delta table"):
        give_up(folder, night1=5)
