"""The claims about early warnings hold on months that nobody tuned on; the simulator tells nobody the future."""

import pytest

from benchmarks.promises.backtest import ALL, backtest, lines
from benchmarks.promises.houses import CHAIN, HOUSES
from benchmarks.promises.months import JUDGED, SCENARIOS, WARM_UP, make_month
from benchmarks.promises.picture import draw
from benchmarks.promises.walk import SEERS
from pipelines.engine.promises.history import progress_of

OURS, NORMAL, MEAN = SEERS


@pytest.fixture(scope="module")
def result():
    return backtest(seeds=(201,), tuning_seeds=(0,), houses=(CHAIN,))


def test_warnings_are_right_early_and_leave_no_miss_out(result):
    warnings = result.marks[ALL][OURS].warnings
    assert warnings.misses >= 5
    assert warnings.recall >= 0.9
    assert warnings.precision >= 0.8
    assert warnings.lead_seconds >= 30 * 60


def test_probabilities_are_better_than_those_of_both_rivals(result):
    marks = result.marks[ALL]
    assert marks[OURS].brier < min(marks[NORMAL].brier, marks[MEAN].brier)
    assert marks[OURS].brier_adjusted < min(marks[NORMAL].brier_adjusted, marks[MEAN].brier_adjusted)


def test_table_and_picture_name_everybody(result, tmp_path):
    text = "\n".join(lines(result))
    assert all(name in text for name in (*SEERS, *SCENARIOS, ALL, "seeds 201 to 201", "seeds 0 to 0"))
    assert draw(result.reliability, tmp_path).read_text().startswith("<?xml")
    first = (
        draw(result.reliability, tmp_path / "one").read_bytes(),
        draw(result.reliability, tmp_path / "two").read_bytes(),
    )
    assert first[0] == first[1]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("house", HOUSES, ids=lambda house: house.declaration.dag_id)
def test_months_follow_from_their_seed(house, scenario):
    month = make_month(house, scenario, 7)
    assert month == make_month(house, scenario, 7)
    assert month != make_month(house, scenario, 8)
    assert len(month.nights) == WARM_UP + JUDGED


@pytest.mark.parametrize("house", HOUSES, ids=lambda house: house.declaration.dag_id)
def test_nothing_is_known_before_it_happens(house):
    night = make_month(house, "outage", 7).nights[40]
    planned = next(task.ended_at for task in night.run.tasks if task.task_id == "plan")
    for minute in range(0, 300, 7):
        now = night.tick + 60 * minute
        run, known = night.at(now)
        tasks = run.tasks if run else ()
        assert all(task.started_at <= now and (task.ended_at or 0) <= now for task in tasks)
        assert (known.rows is not None) == (now >= planned)
        progress = progress_of(house.declaration, run, known, night.tick, now)
        assert (progress.waited is not None) == (now < night.run.started_at)
