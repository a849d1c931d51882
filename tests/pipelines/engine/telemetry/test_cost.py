"""What is measured of a piece of work is what it used, its children included."""

import subprocess
import sys

import pytest

from pipelines.engine.telemetry import cost
from pipelines.engine.telemetry.cost import Cost, Reading, cost_of, read_now

MEGABYTE = 1_000_000


def test_children_that_were_waited_for_are_counted():
    before = read_now()
    subprocess.run([sys.executable, "-c", "sum(range(3_000_000))"], check=True)
    assert read_now().less(before).cpu_seconds > 0.01


def test_bytes_of_files_are_counted_by_direction(tmp_path):
    before = read_now()
    (tmp_path / "file").write_bytes(b"x" * MEGABYTE)
    written = read_now()
    (tmp_path / "file").read_bytes()
    read = read_now().less(written)
    assert MEGABYTE <= written.less(before).bytes_written < 1.1 * MEGABYTE
    assert MEGABYTE <= read.bytes_read < 1.1 * MEGABYTE
    assert read.bytes_written < MEGABYTE / 10


def test_machine_that_counts_no_bytes_still_counts_cpu(monkeypatch, tmp_path):
    monkeypatch.setattr(cost, "IO_FILE", tmp_path / "no such file")
    found = cost_of(read_now())
    assert (found.bytes_read, found.bytes_written) == (None, None)
    assert found.cpu_seconds > 0
    assert found.peak_bytes > MEGABYTE


@pytest.mark.parametrize("known", [Cost(1.5, 10, 20, 30), Cost(elsewhere="spark"), Cost(0.0, None, None, 5)])
def test_recorded_cost_reads_as_it_was(known):
    assert Cost.from_json(known.to_json()) == known


def test_cost_that_a_later_version_recorded_can_be_read():
    assert Cost.from_json({"cpu_seconds": 1.0, "joules": 3}) == Cost(1.0)
    assert Cost.from_json(None) is None


def test_work_never_costs_less_than_nothing():
    assert Reading(1.0, 5, 5).less(Reading(2.0, 6, None)) == Reading(0.0, 0, None)
