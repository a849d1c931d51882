"""What nights and models cost is what their keys cost, and what nobody measured is said and not guessed."""

from pipelines.engine.telemetry.cost import Cost
from pipelines.engine.views.cost import (
    NightCost,
    Spent,
    SpentKey,
    beside_told,
    cost_told,
    model_costs,
    night_costs,
    spent,
    together,
)

NIGHT = "2013-11-01"


def key(step, cost, *, night=NIGHT, version=None, digest="", trained=None):
    scored_by, made = (version, None) if step == "score" else (None, version)
    return SpentKey(digest or step, "flights", step, night, scored_by, made, trained, cost)


def night(version, kind, seconds, night=NIGHT):
    return NightCost("flights", night, kind, version, Spent(1, seconds, None, None, None))


def test_night_costs_what_all_its_keys_cost_also_those_that_were_done_again():
    [found] = night_costs(
        [
            key("validate", Cost(1.0, 10, 1, 500)),
            key("score", Cost(2.0, 20, 2, 700), night=f"{NIGHT}#0", version="1"),
            key("score", Cost(4.0, 40, 4, 600), night=f"{NIGHT}#1", version="1"),
            key("score", Cost(8.0, 80, 8, 600), night=f"{NIGHT}#0", version="2"),
        ]
    )
    assert (found.kind, found.night, found.model_version) == ("scoring", NIGHT, "2")
    assert found.spent == Spent(4, 15.0, 150, 15, 700)


def test_training_as_of_a_night_is_not_that_night():
    keys = [
        key("validate", Cost(1.0)),
        key("trial", Cost(2.0), night=f"{NIGHT}#3"),
        key("train", Cost(3.0), digest="a"),
        key("register", Cost(1.0), version="7", trained="a"),
        key("compile", Cost(4.0), version="7"),
        key("move", Cost(9.0), night="version 3", version="3"),
    ]
    assert [(one.kind, one.model_version, one.spent.cpu_seconds) for one in night_costs(keys)] == [
        ("scoring", None, 1.0),
        ("training", "7", 10.0),
    ]


def test_trainings_as_of_the_same_night_are_told_apart_and_what_they_share_is_nobodys():
    keys = [
        key("validate_training", Cost(1.0)),
        key("train", Cost(2.0), digest="a"),
        key("train", Cost(4.0), digest="b"),
        key("evaluate", Cost(0.25), trained="a"),
        key("register", Cost(0.5), version="9", trained="a"),
        key("register", Cost(0.5), version="10", trained="b"),
        key("promote", Cost(0.25), version="10"),
    ]
    assert [(one.model_version, one.spent.cpu_seconds) for one in night_costs(keys)] == [
        (None, 1.0),
        ("9", 2.75),
        ("10", 4.75),
    ]


def test_training_of_which_nothing_came_has_no_version():
    assert [one.model_version for one in night_costs([key("train", Cost(1.0))])] == [None]


def test_what_ran_elsewhere_and_what_nobody_measured_is_said_and_not_guessed():
    found = spent([Cost(1.0, 10, None, 5), Cost(elsewhere="spark"), None])
    assert (found.keys, found.cpu_seconds, found.elsewhere, found.unmeasured) == (1, 1.0, ("spark",), 1)
    assert cost_told(found) == (
        "1.00 CPU seconds, 10 bytes read, at most 5 bytes of memory, and what spark spent, which is not known here"
    )
    nothing = spent([Cost(elsewhere="job")])
    assert cost_told(nothing) == beside_told(nothing) == "and what job spent, which is not known here"


def test_step_that_a_cloud_runs_belongs_to_its_night():
    [found] = night_costs([key("score_emr", Cost(0.1)), key("score", Cost(elsewhere="job"), version="1")])
    assert (found.model_version, found.spent.elsewhere) == ("1", ("job",))


def test_version_costs_its_training_and_the_nights_that_it_scored():
    nights = [
        night("10", "scoring", 1.0, "2013-11-03"),
        night("9", "training", 5.0),
        night("9", "scoring", 1.0),
        night("9", "scoring", 2.0, "2013-11-02"),
        night(None, "scoring", 0.5, "2013-11-04"),
    ]
    assert [(one.model_version, one.nights, one.spent.cpu_seconds) for one in model_costs(nights)] == [
        (None, 1, 0.5),
        ("9", 2, 8.0),
        ("10", 1, 1.0),
    ]


def test_price_is_that_of_cpu_hours():
    assert together([Spent(1, 1800.0, None, None, None), Spent(1, 1800.0, 1, 1, 1)]).price(0.04) == 0.04
    assert Spent(1, 1800.0, None, None, None).price(None) is None
