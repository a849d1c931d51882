"""Is last night good? One sentence, and what else belongs to it."""

from __future__ import annotations

from pipelines.engine.views.last_night import last_night
from pipelines.engine.views.strip import NO_LONGER_DECLARED, Cell, Strip

NIGHT = "2026-11-20"


def strip(name, state="published", *, night=NIGHT, incidents=0, margin=None, trouble=None):
    cell = Cell(night, state, margin_seconds=margin)
    return Strip(name, "", "", None, None, incidents, (cell,) if state else (), trouble)


def test_all_published_on_time_is_good():
    said = last_night([strip("a", margin=60.0), strip("b", margin=60.0)])
    assert (said.tone, said.sentence, said.lines) == ("good", f"Last night, {NIGHT}: 2 of 2 published, on time.", ())


def test_failure_is_named_and_worse_than_lateness():
    said = last_night([strip("a", "late", margin=-60.0), strip("b", "failed"), strip("c")])
    assert said.tone == "bad"
    assert said.sentence == f"Last night, {NIGHT}: 2 of 3 published, 1 of them late."
    assert said.lines == ("Failed: b.", "Published late: a.")


def test_many_troubles_are_counted():
    said = last_night([strip(f"p{number}", "failed") for number in range(9)])
    assert said.lines == ("Failed: p0, p1, p2 and 6 more.",)


def test_incident_and_broken_declaration_are_notices_and_an_undeclared_pipeline_is_none():
    assert last_night([strip("a", incidents=2)]).lines == ("2 incidents are open.",)
    assert last_night([strip("a", incidents=1)]).tone == "notice"
    broken = last_night([strip("a", trouble="its declaration cannot be read: no")])
    assert (broken.tone, broken.lines) == ("notice", ("The declaration cannot be read: a.",))
    assert last_night([strip("a", trouble=NO_LONGER_DECLARED)]).tone == "good"


def test_night_of_the_week_before_that_nobody_can_read_is_not_forgotten():
    week = [Cell(f"2026-11-{day:02}", "published") for day in range(10, 21)]
    week[5], week[0] = Cell(week[5].night, "failed"), Cell(week[0].night, "failed")
    said = last_night([Strip("a", "", "", None, None, 0, tuple(week))])
    assert (said.tone, said.lines) == ("notice", ("Not published in the week before: a 2026-11-15.",))


def test_newest_nights_may_differ():
    said = last_night([strip("a"), strip("b", night="2026-11-19"), strip("c", "")])
    assert said.sentence == "The newest nights: 2 of 2 published."


def test_before_the_first_night_nothing_is_good_or_bad():
    assert last_night([strip("a", "")]).tone == "waiting"
