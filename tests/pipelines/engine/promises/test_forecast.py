"""Earlier nights go on from where tonight is: whole, as with tonight's rows, and with an honest tail."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.promises.forecast import WARN_BELOW, forecast, is_at_risk, look_ahead
from pipelines.engine.promises.habits import FEWEST_NIGHTS, HALF_LIFE, learn, middle_slope, weighted_median
from pipelines.engine.promises.history import PastRun, Progress
from pipelines.engine.promises.values import Task

CHAIN = (
    Task("validate"),
    Task("score", ("validate",), mapped=True),
    Task("publish", ("score",)),
    Task("monitor", ("publish",)),
)
FORK = (Task("orders"), Task("customers"), Task("join", ("orders", "customers")))
NOW = 1_000_000.0
MINUTE = 60.0

seconds = st.floats(0, 4 * 3600)
shares = st.floats(0.01, 0.99)


def night(validate=600.0, score=3600.0, publish=600.0, monitor=900.0, began=5.0, rows=None, name="n"):
    return PastRun(name, began, {"validate": validate, "score": score, "publish": publish, "monitor": monitor}, rows)


def nights(count=20, spread=0.02, **what):
    """Nights that differ a little, around what is given."""
    return [
        night(**{name: value * (1 + spread * (number % 5 - 2)) for name, value in what.items()})
        for number in range(count)
    ]


def look(past, progress, due_in=3600.0, tasks=CHAIN, delivers="publish"):
    return forecast(tasks, past, progress, now=NOW, due_at=NOW + due_in, delivers=delivers)


def chance(past, progress, due_in=3600.0, tasks=CHAIN, delivers="publish"):
    found = look(past, progress, due_in, tasks, delivers)
    assert found is not None
    return found.probability


@st.composite
def histories(draw, tasks=CHAIN, rows=False):
    count = draw(st.integers(FEWEST_NIGHTS, 25))
    one = st.fixed_dictionaries({task.task_id: seconds for task in tasks})
    known = st.one_of(st.none(), st.integers(0, 10**7)) if rows else st.none()
    return [PastRun(str(number), draw(seconds), draw(one), draw(known)) for number in range(count)]


@st.composite
def standings(draw):
    """Somewhere in a night of the chain."""
    if draw(st.booleans()):
        return Progress(waited=draw(seconds))
    at = draw(st.integers(0, 2))
    names = [task.task_id for task in CHAIN]
    running = {names[at]: draw(seconds)}
    rows = draw(st.one_of(st.none(), st.integers(0, 10**7)))
    done = {name: draw(seconds) for name in names[:at]}
    if names[at] != "score" or draw(st.booleans()):
        return Progress(None, done, running, rows=rows)
    of = draw(st.integers(1, 30))
    finished = draw(st.integers(0, of))
    at_work = draw(st.lists(seconds, max_size=of - finished))
    mean = {"score": draw(seconds)} if finished else {}
    return Progress(None, done, running, {"score": (finished, of)}, rows, of, {"score": tuple(at_work)}, mean)


# What always holds


@given(past=histories(rows=True), progress=standings(), due_in=st.floats(-86400, 86400))
def test_forecast_is_a_probability_with_its_quantiles_in_order(past, progress, due_in):
    found = look(past, progress, due_in)
    assert found is not None
    assert 0 <= found.probability <= 1
    assert NOW <= found.finish_p50 <= found.finish_p90
    assert found.slack_seconds == pytest.approx(due_in - (found.finish_p90 - NOW))
    assert found.step_usual_seconds >= 0


@given(past=histories(rows=True), progress=standings(), due_in=st.floats(0, 86400), later=st.floats(0, 86400))
def test_later_deadline_never_lowers_the_probability(past, progress, due_in, later):
    assert chance(past, progress, due_in + later) >= chance(past, progress, due_in)


@given(past=histories(rows=True), progress=standings(), share=shares)
def test_quantiles_and_probability_tell_the_same(past, progress, share):
    habits = learn(CHAIN, past, "publish")
    outlook = look_ahead(habits, progress)
    within = outlook.quantile(share)
    assert outlook.finished_within(within * 1.03 + 2) >= share - 1e-9 or within >= 30 * 86400
    assert outlook.finished_within(within / 1.03 - 2) <= share + 1e-9


@given(past=histories(), took=seconds, elapsed=seconds, more=seconds, due_in=st.floats(0, 86400))
def test_the_longer_the_last_step_takes_the_less_likely_is_the_promise_kept(past, took, elapsed, more, due_in):
    """With steps to follow it may rise: if those nights in which this step was quick went on slowly."""
    done = {"validate": took, "score": took}
    before = chance(past, Progress(None, done, {"publish": elapsed}), due_in)
    after = chance(past, Progress(None, done, {"publish": elapsed + more}), due_in - more)
    assert after <= before + 1e-9


@given(past=histories(), waited=seconds, more=seconds, due_in=st.floats(0, 86400))
def test_promise_is_less_likely_kept_the_longer_the_run_does_not_begin(past, waited, more, due_in):
    alike = [replace(run, steps=past[0].steps) for run in past]
    before = chance(alike, Progress(waited=waited), due_in)
    assert chance(alike, Progress(waited=waited + more), due_in - more) <= before + 1e-9


@given(past=histories().filter(lambda past: len(past) < 10), progress=standings(), random=st.randoms())
def test_order_of_nights_matters_only_for_their_weight(past, progress, random):
    shuffled = list(past)
    random.shuffle(shuffled)
    found = []
    for history in (past, shuffled):
        habits = learn(CHAIN, history, "publish")
        even = replace(habits, weights=(1.0,) * len(past))
        found.append(look_ahead(even, progress).finished_within(3600))
    assert found[0] == pytest.approx(found[1], abs=1e-6)


# When there is nothing to say


@pytest.mark.parametrize("count", range(FEWEST_NIGHTS))
def test_thin_history_is_silent(count):
    assert look(nights(count), Progress(running={"validate": 60.0})) is None


def test_nights_with_gaps_do_not_count():
    past = nights(FEWEST_NIGHTS)
    gap = PastRun("gap", 0.0, {"validate": 1.0, "publish": 1.0})
    assert look([gap, *past[1:]], Progress(running={"validate": 60.0})) is None
    assert look([gap, *past], Progress(running={"validate": 60.0})).basis == f"p90 of {FEWEST_NIGHTS} nights"


def test_step_after_the_delivery_need_not_be_in_the_history():
    past = [PastRun("n", 0.0, {"validate": 60.0, "score": 60.0, "publish": 60.0}) for _ in range(9)]
    assert chance(past, Progress(running={"validate": 1.0})) > 0.9


def test_finished_night_is_not_forecast():
    assert (
        look(nights(), Progress(done={"validate": 1.0, "score": 1.0, "publish": 1.0}, running={"monitor": 1.0})) is None
    )


def test_silence_is_no_warning():
    assert not is_at_risk(None)


# How long it will take


def test_usual_night_ends_when_it_usually_does():
    found = look(nights(), Progress(running={"validate": 0.0}), due_in=2 * 3600)
    assert found.finish_p50 - NOW == pytest.approx(600 + 3600 + 600, rel=0.05)
    assert found.probability > 0.9
    assert not is_at_risk(found)


def test_night_that_cannot_be_in_time_is_at_risk():
    found = look(nights(), Progress(running={"validate": 0.0}), due_in=3600)
    assert found.probability < WARN_BELOW
    assert is_at_risk(found)
    assert found.slack_seconds < 0


def test_passed_deadline_is_not_kept():
    assert chance(nights(), Progress(running={"publish": 1.0}), due_in=-1.0) == 0


def test_steps_after_the_one_that_delivers_do_not_count():
    slow = nights(monitor=10 * 3600.0)
    progress = Progress(running={"validate": 0.0})
    assert chance(slow, progress, 2 * 3600) > 0.9
    assert chance(slow, progress, 2 * 3600, delivers=None) < 0.1


def test_finished_steps_are_not_waited_for_again():
    progress = Progress(done={"validate": 600.0, "score": 3600.0}, running={"publish": 0.0})
    alone = look(nights(), Progress(running={"publish": 0.0}), tasks=(Task("publish"),))
    found = look(nights(), progress)
    assert found.finish_p50 == pytest.approx(alone.finish_p50, abs=1)
    assert set(look_ahead(learn(CHAIN, nights(), "publish"), progress).tonight) == {"publish"}


def test_longest_branch_decides():
    past = [PastRun("n", 0.0, {"orders": 600.0, "customers": 3000.0 + number, "join": 60.0}) for number in range(20)]
    found = look(past, Progress(running={"orders": 0.0, "customers": 0.0}), tasks=FORK, delivers=None)
    assert found.finish_p50 - NOW == pytest.approx(3070, rel=0.05)
    assert found.step == "customers"


def test_step_that_became_ready_this_instant_is_not_forgotten():
    found = look(nights(), Progress(done={"validate": 600.0}))
    assert found.finish_p50 - NOW == pytest.approx(3600 + 600, rel=0.05)


def test_what_was_slow_together_stays_together():
    """Where one step makes up for another, a night's length is sure; drawn one by one they would spread."""
    past = [
        PastRun(str(number), 0.0, {"orders": 600.0 + 120 * (number % 6), "join": 1800.0 - 120 * (number % 6)})
        for number in range(30)
    ]
    tasks = (Task("orders"), Task("join", ("orders",)))
    found = look(past, Progress(running={"orders": 0.0}), tasks=tasks, delivers=None)
    assert found.finish_p90 - found.finish_p50 < 5 * MINUTE


def test_night_that_began_slow_goes_on_slow_if_nights_do():
    def past(together):
        slower = [1 + 0.05 * (number % 8) for number in range(24)]
        return [night(600 * one, 3600 * (one if together else 1.0), 600.0) for one in slower]

    slow = Progress(done={"validate": 900.0}, running={"score": 0.0})
    usual = Progress(done={"validate": 600.0}, running={"score": 0.0})
    assert look(past(True), slow).finish_p50 > look(past(True), usual).finish_p50 + 5 * MINUTE
    assert look(past(False), slow).finish_p50 == pytest.approx(look(past(False), usual).finish_p50, abs=MINUTE)


def test_new_nights_weigh_more_than_old_ones():
    quick, slow = nights(20, score=3600.0), nights(4, score=5400.0)
    newest_slow = look([*quick, *slow], Progress(running={"score": 0.0}, done={"validate": 600.0}))
    oldest_slow = look([*slow, *quick], Progress(running={"score": 0.0}, done={"validate": 600.0}))
    assert newest_slow.finish_p90 > oldest_slow.finish_p90
    weights = learn(CHAIN, quick, "publish").weights
    assert weights[-1] == 1
    assert weights[-1 - int(HALF_LIFE)] == pytest.approx(0.5)


def test_slow_drift_is_followed():
    drifting = [night(score=3600 * 1.02**number) for number in range(40)]
    found = look(drifting, Progress(running={"score": 0.0}, done={"validate": 600.0}))
    now_usual = 3600 * 1.02**40 + 600
    assert found.finish_p50 - NOW > 0.85 * now_usual


# Rows and shards


def with_rows(number):
    rows = 1_000_000 + 150_000 * (number % 7)
    return night(score=300 + rows * 0.003, rows=rows)


def test_step_that_goes_with_rows_is_scaled_and_others_are_not():
    past = [with_rows(number) for number in range(28)]
    found = look(past, Progress(done={"validate": 600.0}, running={"score": 0.0}, rows=4_000_000))
    assert found.finish_p50 - NOW == pytest.approx(300 + 12_000 + 600, rel=0.05)
    assert found.basis == "p90 of 28 nights, as with 4,000,000 rows"
    habits = learn(CHAIN, past, "publish")
    assert habits.steps["score"].per_row == pytest.approx(0.003)
    assert habits.steps["publish"].per_row == 0


def test_a_few_wild_nights_do_not_change_what_a_row_costs():
    past = [with_rows(number) for number in range(28)]
    past[3] = replace(past[3], steps={**past[3].steps, "score": 40_000.0})
    past[11] = replace(past[11], steps={**past[11].steps, "score": 10.0})
    assert learn(CHAIN, past, "publish").steps["score"].per_row == pytest.approx(0.003, rel=0.1)


def test_unknown_rows_leave_nights_as_they_were():
    past = [with_rows(number) for number in range(28)]
    found = look(past, Progress(done={"validate": 600.0}, running={"score": 0.0}))
    assert 3300 < found.finish_p50 - NOW - 600 < 6000
    assert "rows" not in found.basis


def shards(done, running, elapsed, mean=None, of=20):
    return Progress(
        None,
        {"validate": 600.0},
        {"score": elapsed},
        {"score": (done, of)},
        None,
        of,
        {"score": running},
        {"score": mean} if mean else {},
    )


def test_finished_shards_tell_of_those_to_come():
    usual = look(nights(), shards(8, (360.0,) * 4, 1800.0, 720.0))
    slow = look(nights(), shards(4, (900.0,) * 4, 1800.0, 900.0))
    fast = look(nights(), shards(16, (60.0,) * 4, 1800.0, 360.0))
    assert fast.finish_p50 < usual.finish_p50 < slow.finish_p50


def test_shards_that_all_run_at_once_do_not_look_late_before_they_end():
    past = nights(score=1200.0)
    found = look(past, shards(1, (1150.0,) * 19, 1150.0, 1150.0), due_in=1200.0)
    assert found.probability > 0.9


def test_shards_that_still_wait_need_their_time():
    """Twenty shards, four at a time: when none is finished after the time of all, the step is far from its end."""
    found = look(nights(), shards(0, (1800.0,) * 4, 1800.0), due_in=3600.0)
    assert found.probability < WARN_BELOW


# Longer than ever


def test_step_that_takes_longer_than_ever_is_not_about_to_end():
    found = look(nights(), Progress(done={"validate": 600.0}, running={"score": 3 * 3600.0}))
    assert found.finish_p50 - NOW > 600 + 3600
    assert found.finish_p90 > found.finish_p50 + 3600
    assert found.step == "score"
    assert found.step_seconds == 3 * 3600
    assert found.step_usual_seconds == pytest.approx(3600, rel=0.05)
    assert found.basis == "p90 of 20 nights; none of them took so long"


def test_run_that_does_not_begin_is_ever_less_likely_to_be_in_time():
    due_in = 2 * 3600.0
    found = [chance(nights(), Progress(waited=60.0 * late), due_in - 60.0 * late) for late in (0, 10, 20, 30, 60)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.9
    assert found[-1] < WARN_BELOW


def test_one_second_of_waiting_more_than_usual_alarms_nobody():
    assert chance(nights(), Progress(waited=30.0), 2 * 3600.0) > 0.9


# Which step eats the slack


def test_step_that_ran_over_is_named_though_it_is_finished():
    found = look(nights(), Progress(done={"validate": 3000.0}, running={"score": 0.0}))
    assert (found.step, found.step_seconds) == ("validate", 3000.0)


def test_longest_step_is_named_if_none_runs_over():
    found = look(nights(), Progress(done={"validate": 600.0}, running={"score": 60.0}))
    assert (found.step, found.step_seconds) == ("score", 60.0)


def test_step_off_the_longest_path_eats_no_slack():
    past = [PastRun("n", 0.0, {"orders": 600.0, "customers": 3000.0, "join": 60.0}) for _ in range(20)]
    found = look(past, Progress(done={"orders": 1500.0}, running={"customers": 1500.0}), tasks=FORK, delivers=None)
    assert found.step == "customers"


# Small rules


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0.01, 10)), min_size=1))
def test_half_of_the_weight_lies_up_to_the_weighted_median(pairs):
    middle = weighted_median([value for value, _ in pairs], [weight for _, weight in pairs])
    total = sum(weight for _, weight in pairs)
    assert sum(weight for value, weight in pairs if value <= middle) >= total / 2 - 1e-6
    assert sum(weight for value, weight in pairs if value < middle) <= total / 2 + 1e-6


def test_slope_of_a_line_is_found_and_of_a_point_is_none():
    assert middle_slope([(float(x), 3.0 * x + 1) for x in range(9)]) == pytest.approx(3)
    assert middle_slope([(1.0, 2.0)] * 6) == 0
    assert middle_slope([]) == 0
