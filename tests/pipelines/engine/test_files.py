"""A file is there whole or not at all."""

import errno
import os
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from textwrap import dedent

import pytest

from pipelines.engine.errors import StorageError, StorageFull
from pipelines.engine.files import UNFINISHED, intended, unfinished, written_whole
from pipelines.engine.storage import here

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "reports" / "summary.txt"


def test_written_file_is_there_and_nothing_else(path):
    with written_whole(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_old_file_is_replaced(path):
    here(path).write_text("old")
    assert here(path).write_text("n\N{LATIN SMALL LETTER E WITH DIAERESIS}w") == here(path)
    assert path.read_text(encoding="utf-8") == "n\N{LATIN SMALL LETTER E WITH DIAERESIS}w"


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_error_in_the_middle_leaves_the_old_file(path, error):
    def write_half():
        with written_whole(path) as temporary:
            temporary.write_text("ha")
            raise error

    here(path).write_text("old")
    with pytest.raises(type(error)):
        write_half()
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_killed_writer_leaves_the_old_file(path):
    here(path).write_text("old")
    script = f"""
        import os, signal
        from pathlib import Path
        from pipelines.engine.files import UNFINISHED, intended, unfinished, written_whole
        with written_whole(Path({str(path)!r})) as temporary:
            temporary.write_text("ha")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    assert subprocess.run([sys.executable, "-c", dedent(script)], env=environment, check=False).returncode == -9
    assert path.read_text() == "old"
    assert all(left == path or left.name.startswith(".") for left in path.parent.iterdir())


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_is_told_and_may_be_retried(path, code):
    def fill():
        with written_whole(path):
            raise OSError(code, "whatever the system says")

    with pytest.raises(StorageFull, match=f"no space left for {path}") as caught:
        fill()
    assert caught.value.retryable


def test_full_disk_is_known_by_the_words_of_a_library_too(path):
    def fill():
        with written_whole(path):
            raise OSError("IO error: No space left on device (os error 28)")

    with pytest.raises(StorageFull):
        fill()


def test_folder_that_cannot_be_made_is_told_in_words(tmp_path):
    (tmp_path / "reports").write_text("a file where a folder belongs")
    with pytest.raises(StorageError, match=r"cannot write .*summary\.txt: ") as caught:
        here(tmp_path / "reports" / "summary.txt").write_text("new")
    assert not caught.value.retryable


def test_block_that_writes_nothing_makes_no_file(path):
    with pytest.raises(StorageError, match="No such file"), written_whole(path):
        pass
    assert not path.exists()


def test_a_file_that_is_being_written_tells_what_it_is_to_be_called(tmp_path):
    path = tmp_path / "night=2024-03-06" / "0a1b-1-17.parquet"
    assert intended(unfinished(path).name) == path.name
    assert fnmatchcase(unfinished(path).name, UNFINISHED)
