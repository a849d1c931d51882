"""On this machine's disk a file is its own copy, and a disk that fails is no file that is missing."""

from __future__ import annotations

import pytest

from pipelines.engine.errors import StorageError
from pipelines.engine.files import sha256_of
from pipelines.engine.storage import here


@pytest.fixture
def folder(tmp_path):
    return here(tmp_path / "rows")


def test_written_file_is_found_with_its_size_and_time(folder, tmp_path):
    (folder / "a").write_text("rows")
    status = (tmp_path / "rows" / "a").stat()
    assert (folder / "a").find() == (4, status.st_mtime_ns)
    assert (folder / "a").exists()
    assert (folder / "a").read_text() == "rows"


def test_file_is_its_own_copy(folder, tmp_path):
    (folder / "a").write_text("rows")
    file = tmp_path / "rows" / "a"
    assert (folder / "a").copy() == file
    assert (folder / "a").copy_with(sha256_of(file)) == file
    assert (folder / "a").copy_with("0" * 64) is None
    assert (folder / "b").copy_with("0" * 64) is None


def test_what_is_no_file_is_not_found(folder, tmp_path):
    (folder / "a").write_text("rows")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for none in (folder / "b", folder / "a/under a file", folder, here(tmp_path / "circle")):
        assert none.find() is None
    assert (folder / "b").read_text() is None


def test_folder_lists_what_lies_directly_in_it(folder):
    for name in ("b.parquet", "a.parquet", ".hidden", "deeper/c.parquet"):
        (folder / name).write_text("x")
    assert folder.names() == ["a.parquet", "b.parquet", "deeper"]
    assert [file.name for file in folder.files(".parquet")] == ["a.parquet", "b.parquet"]
    assert (folder / "none").names() == []
    assert (folder / "a.parquet").names() == []


def test_disk_that_cannot_be_asked_is_no_missing_file(tmp_path):
    cannot = here(tmp_path / ("x" * 300))
    for ask in (cannot.find, cannot.names, cannot.read_text):
        with pytest.raises(StorageError, match=r"cannot read .*: File name too long.*mend the folder"):
            ask()


def test_killed_writers_of_names_that_begin_so_are_cleaned_up_after(folder, tmp_path):
    for name in ("key-1-5", "key-1-6", "key-12-5", "other"):
        (folder / name).write_text("x")
        (tmp_path / "rows" / f".{name}.4711.part").write_text("half")
    (folder / "key-1-").remove_unfinished()
    left = sorted(path.name for path in (tmp_path / "rows").glob(".*.part"))
    assert left == [".key-12-5.4711.part", ".other.4711.part"]
    assert len(folder.names()) == 4
