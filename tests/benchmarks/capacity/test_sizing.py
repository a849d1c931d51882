"""What a house needs grows with what it has to do, and each answer says how it came about."""

from dataclasses import replace

import pytest

from benchmarks.capacity.sizing import Load, Measured, as_table, needs

MEASURED = Measured(
    file_cpu_s=0.12,
    run_cpu_s=0.04,
    claims_per_s=400.0,
    night_kb=16.0,
    airflow_run_kb=10.0,
    turn_cpu_s_per_pipeline=0.0006,
    watch_mb_per_pipeline=0.4,
)


def needed(what, load, measured=MEASURED):
    return {need.what: need for need in needs(load, measured)}[what]


def test_slots_are_the_seconds_of_all_nights_over_the_window_and_the_share_that_may_be_busy():
    load = Load(100, night_task_s=600.0, window_s=4 * 3600.0)
    assert needed("task slots", load).amount == 6  # 60,000 s / (0.7 x 14,400 s) = 5.95
    assert needed("task slots", replace(load, window_s=3600.0)).amount == 24
    assert needed("task slots", replace(load, night_task_s=6000.0)).amount == 60


def test_a_year_of_the_ledger_is_nights_times_bytes():
    assert needed("ledger, GB a year", Load(1000)).amount == pytest.approx(5.84)


def test_one_scheduler_is_enough_for_ten_and_the_tick_says_how_many_for_more():
    assert needed("schedulers", Load(10)).amount == 1
    assert needed("schedulers", Load(100)).amount == 2
    assert needed("schedulers", Load(1000), replace(MEASURED, run_cpu_s=0.4)).amount == 5


def test_files_are_read_again_no_more_often_than_a_pass_takes():
    assert "min_file_process_interval 30 s" in needed("parsing processes", Load(10)).formula
    assert "min_file_process_interval 180 s" in needed("parsing processes", Load(1000)).formula


def test_watch_looks_every_five_seconds_until_a_turn_takes_longer():
    assert needed("watch, seconds between looks", Load(1000)).amount == 5
    assert needed("watch, seconds between looks", Load(20_000)).amount == 20


@pytest.mark.parametrize("what", ["task slots", "Postgres connections", "ledger, GB a year", "watch, MB", "Redis, MB"])
def test_more_pipelines_never_need_less(what):
    amounts = [needed(what, Load(size)).amount for size in (1, 10, 100, 1000, 10_000)]
    assert amounts == sorted(amounts)


def test_connections_are_counted_of_what_was_said_before():
    load = Load(1000)
    slots, total = needed("task slots", load), needed("Postgres connections", load)
    schedulers, api = needed("schedulers", load), needed("api servers", load)
    assert total.amount == 15 * (schedulers.amount + api.amount + 2) + 2 * slots.amount + 3


@pytest.mark.parametrize("load", [Load(0), Load(1, night_task_s=0.0), Load(1, window_s=-1.0)])
def test_load_that_cannot_be_is_refused(load):
    with pytest.raises(ValueError, match="cannot be"):
        needs(load, MEASURED)


def test_table_has_a_column_for_each_house_and_a_formula_in_each_line():
    lines = as_table([Load(10), Load(1000)], MEASURED).splitlines()
    assert lines[0] == "| | 10 pipelines | 1,000 pipelines | how the last one came about |"
    assert len(lines) == 2 + len(needs(Load(10), MEASURED))
    assert all(line.count("|") == 5 and line.split("|")[4].strip() for line in lines[2:])
