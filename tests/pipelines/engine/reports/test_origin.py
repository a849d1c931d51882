from __future__ import annotations

import subprocess
from hashlib import sha256

from pipelines.engine.reports.origin import origin


def git(folder, *words):
    said = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", folder, *words]
    return subprocess.run(said, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder):
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return git(folder, "rev-parse", "HEAD")


def test_commit_is_read_without_git(tmp_path):
    first = commit(tmp_path / "clone")

    assert origin(tmp_path / "clone").commit == first


def test_packed_branches_worktrees_and_bare_commits_are_read(tmp_path):
    first = commit(tmp_path / "clone")
    git(tmp_path / "clone", "worktree", "add", "-q", "-b", "side", tmp_path / "side")
    git(tmp_path / "clone", "worktree", "add", "-q", "--detach", tmp_path / "bare")
    git(tmp_path / "clone", "pack-refs", "--all")

    assert {origin(tmp_path / name).commit for name in ("clone", "side", "bare")} == {first}


def test_code_without_git_or_lock_says_so(tmp_path):
    found = origin(tmp_path)

    assert (found.commit, found.lock) == (None, None)
    assert found.python.startswith("3.")


def test_lock_is_named_by_its_content(tmp_path):
    (tmp_path / "requirements.txt").write_text("numpy==2.4.6\n")

    assert origin(tmp_path).lock == sha256(b"numpy==2.4.6\n").hexdigest()
