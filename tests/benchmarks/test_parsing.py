from __future__ import annotations

from benchmarks.parsing import study


def test_three_hundred_pipelines_are_read_in_one_pass_without_a_heavy_module(tmp_path):
    found = study(tmp_path, rounds=1)  # raises if one is not read, or if anything heavy was imported
    assert [target.name for target in found.targets] == ["DAG parsing: factory / bare DAG"]
