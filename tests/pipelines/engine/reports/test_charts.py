from __future__ import annotations

import pytest

from pipelines.engine.reports.charts import histogram, scatter, time_bars, whiskers
from pipelines.engine.reports.page import number, seconds, share
from pipelines.engine.views.night import Distribution, StepTime, Usual


def step(name, started, took, usual=None):
    return StepTime(name, "done" if took else "waiting", started, None, took, usual, 1, None, None)


def test_steps_lie_behind_each_other_on_one_axis():
    bars = time_bars(
        [
            step("validate", "2026-11-20T02:00:00Z", 60.0, Usual(30.0, 90.0, 7)),
            step("plan", "2026-11-20T02:01:00Z", 40.0),
            step("score", None, None),
        ]
    )

    assert (bars["validate"].left, bars["validate"].width) == (0, 60)
    assert (bars["validate"].usual, bars["validate"].high) == (30, 90)
    assert (bars["plan"].left, bars["plan"].width) == (60, 40)
    assert "score" not in bars


def test_steps_of_one_second_are_still_in_order():
    bars = time_bars([step(name, "2026-11-20T02:00:00Z", 0.25) for name in ("validate", "plan", "score", "publish")])

    assert [bar.left for bar in bars.values()] == [0, 25, 50, 75]


def test_night_that_has_not_begun_has_no_bars():
    assert time_bars([step("validate", None, None)]) == {}


def test_step_that_takes_no_time_can_be_seen():
    bars = time_bars([step("validate", "2026-11-20T02:00:00Z", 100.0), step("plan", "2026-11-20T02:01:40Z", 0.0001)])

    assert bars["plan"].left + bars["plan"].width <= 100
    assert bars["plan"].width > 0.5


def test_bins_are_drawn_beside_each_other_and_share_one_height():
    spread = Distribution(
        (-9.0, 0.0, 1.0, 70.0, 80.0), (0.5, 0.25, 0.25, 0.0), None, (0.1, 0.1, 0.1, 1.0), 1.0, None, None
    )
    chart = histogram(spread)

    assert chart is not None
    assert chart.top == 1.0
    assert [(column.left, column.tonight, column.last_week) for column in chart.columns] == [
        (0, 50, None),
        (25, 25, None),
        (50, 25, None),
        (75, 0, None),
    ]
    assert chart.ticks == ((0, "-9"), (25, "0"), (50, "1"), (75, "70"), (100, "80"))


def test_nothing_scored_draws_nothing():
    assert histogram(Distribution((0.0, 1.0), None, None, None, None, None, None)) is None


def test_predicted_and_observed_share_one_scale():
    chart = scatter([[0.1, 0.2, 100], [0.5, 0.4, 100]])

    assert chart is not None
    first, second = chart.points
    assert (first.left / second.left, first.up / second.up) == (
        pytest.approx(0.2, abs=1e-4),
        pytest.approx(0.5, abs=1e-4),
    )
    assert (chart.low, chart.high, second.left) == (0, 0.5, 100)
    assert scatter([[0.1, 0.2, 100]]) is None


def test_values_far_from_zero_are_not_pressed_together():
    chart = scatter([[60.0, 62.0, 10], [70.0, 68.0, 10]])

    assert chart is not None
    assert (chart.low, chart.high) == (60, 70)


def test_temperatures_below_zero_fit_in():
    chart = scatter([[-5.0, -3.0, 10], [20.0, 22.0, 10]])

    assert chart is not None
    assert all(0 <= mark <= 100 for point in chart.points for mark in (point.left, point.up))


def test_intervals_lie_on_one_axis():
    marks = whiskers({"a": (0.0, 0.5, 1.0), "b": (0.5, 0.5, 0.5)})

    assert (marks["a"].low, marks["a"].value, marks["a"].high) == (3, 50, 97)
    assert marks["b"].low == marks["b"].high == 50
    assert whiskers({}) == {}


def test_numbers_are_written_as_people_read_them():
    assert [number(value) for value in (None, 3, 198855, 0.67139, 12345.678, -0.5)] == [
        "–",
        "3",
        "198,855",
        "0.6714",
        "12,345.7",
        "-0.5",
    ]
    assert [share(value) for value in (None, 0.0, 0.00001, 0.003142, 1.0)] == [
        "–",
        "0 %",
        "under 0.01 %",
        "0.314 %",
        "100 %",
    ]
    assert [seconds(value) for value in (None, 0.0, 0.0042, 75.0, 7500.0)] == [
        "–",
        "0 s",
        "0.0042 s",
        "75 s",
        "2 h 05 min",
    ]
