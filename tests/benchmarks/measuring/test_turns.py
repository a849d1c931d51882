"""Subjects run in turn; ratios are made within a round; one that fails is reported and loses nobody else's figures."""

import os
import sys

import psutil
import pytest

from benchmarks.measuring.process import Cost, Subject, SubjectFailed, measure
from benchmarks.measuring.tree import Tree
from benchmarks.measuring.turns import Turns, in_turn

BUSY = "import time; end = time.process_time() + {}\nwhile time.process_time() < end: pass"


def subject(name: str, code: str, **more: object) -> Subject:
    return Subject(name, [sys.executable, "-c", code], **more)


def costs(*cpu: float) -> dict[int, Cost]:
    return {number: Cost(seconds, seconds, 100.0 * seconds) for number, seconds in enumerate(cpu)}


def test_ratio_is_made_within_each_round() -> None:
    turns = Turns({"ours": costs(1.0, 4.0, 3.0), "theirs": costs(2.0, 2.0, 2.0)})
    assert turns.ratios("ours", "theirs", "cpu_s") == [0.5, 2.0, 1.5]
    assert turns.ratio("ours", "theirs") == 1.5
    line = turns.table("theirs")["ours"]
    assert (line["cpu_s"], line["cpu_s_min"], line["cpu_s_max"], line["rounds"]) == (3.0, 1.0, 4.0, 3)
    assert (line["cpu_ratio"], line["cpu_ratio_min"], line["cpu_ratio_max"]) == (1.5, 0.5, 2.0)


def test_note_says_how_cpu_time_was_counted() -> None:
    one = Turns({"ours": {0: Cost(1, 1, 1, "control group")}, "theirs": {0: Cost(1, 1, 1, "rusage and samples")}})
    assert one.note(1) == "1 round; CPU time counted by: control group, rusage and samples."


def test_without_a_round_in_common_there_is_no_ratio() -> None:
    turns = Turns({"ours": costs(1.0), "theirs": {}})
    assert turns.ratio("ours", "theirs") is None
    assert turns.median("theirs", "cpu_s") is None
    assert list(turns.table("theirs")) == ["ours"]


def test_failed_subject_is_reported_with_its_last_words_and_runs_no_more(tmp_path) -> None:
    said: list[str] = []
    bad = subject("bad", "print('the reason'); raise SystemExit(3)")
    turns = in_turn([bad, subject("good", "pass")], 2, tmp_path, said.append)
    assert "bad ended with 3" in turns.failures["bad"]
    assert "the reason" in turns.failures["bad"]
    assert list(turns.costs["good"]) == [0, 1]
    assert turns.costs["bad"] == {}
    assert sum(line.endswith(": bad") for line in said) == 1


def test_subject_with_other_scores_counts_as_failed(tmp_path) -> None:
    turns = in_turn([subject("liar", "pass")], 2, tmp_path, lambda _: None, lambda *_: "liar gave other scores")
    assert turns.failures == {"liar": "liar gave other scores"}
    assert turns.costs == {"liar": {}}


def test_cpu_and_memory_of_children_count(tmp_path) -> None:
    child = f"held = bytearray(200_000_000); {BUSY.format(0.5)}"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    cost = measure(subject("family", parent), tmp_path / "log")
    assert cost.cpu_s >= 0.5
    assert cost.peak_mb > 200


def test_child_that_outlives_its_parent_is_counted_and_leaves_nothing(tmp_path) -> None:
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BUSY.format(0.5)!r}], start_new_session=True)"
    cost = measure(subject("orphan", code), tmp_path / "log")
    assert cost.cpu_s >= 0.5
    assert not [p for p in psutil.Process().children() if p.status() == psutil.STATUS_ZOMBIE and p.pid != os.getpid()]


def test_without_a_control_group_the_tree_is_counted_all_the_same(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("benchmarks.measuring.process.cpu_group", lambda: None)
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY.format(0.5)!r}], check=True)"
    cost = measure(subject("family", parent), tmp_path / "log")
    assert cost.cpu_by == "rusage and samples"
    assert cost.cpu_s >= 0.5


def test_subject_that_takes_too_long_is_ended(tmp_path) -> None:
    with pytest.raises(SubjectFailed, match="after its limit of 1 s"):
        measure(subject("slow", "import time; time.sleep(60)", seconds=1.0), tmp_path / "log")
    assert not Tree().processes()


def test_subject_beyond_its_memory_limit_fails(tmp_path) -> None:
    needy = "held = bytearray(400_000_000); held[::4096] = b'x' * len(held[::4096])"
    with pytest.raises(SubjectFailed, match="needy"):
        measure(subject("needy", needy, memory_limit=150_000_000), tmp_path / "log")
    modest = measure(subject("modest", "pass", memory_limit=400_000_000), tmp_path / "log")
    assert modest.limit_by


def test_output_of_an_earlier_run_is_removed_before(tmp_path) -> None:
    old = tmp_path / "scores.parquet"
    old.write_text("old")
    measure(subject("forgetful", "pass", output=old), tmp_path / "log")
    assert not old.exists()
