"""What nobody has reviewed is found in the files that `nightshift new` writes."""

from types import SimpleNamespace

from nightshift.alerts.routes import Route
from nightshift.readiness.gather import _marks, _only_logged
from nightshift.scaffold.choices import design
from nightshift.scaffold.rendering import render
from nightshift.scaffold.review import MARK
from tests.nightshift.scaffold.test_choices import AGE, WISHES, YES_NO, seen


def test_each_file_with_guesses_has_one_mark_until_somebody_takes_it_out(tmp_path):
    for path, text in render(design(WISHES, seen(YES_NO, AGE)), "visits.csv").items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    pipeline = SimpleNamespace(name="visits", checks=SimpleNamespace(rows="visits_rows", labels="visits_labels"))
    marks = {mark.file: mark for mark in _marks(pipeline, tmp_path)}
    suites = ("data_checks/suites/visits_rows.py", "data_checks/suites/visits_labels.py")
    assert set(marks) == {"pipelines/visits/__init__.py", *suites}
    assert "a coin has 0.5" in marks["pipelines/visits/__init__.py"].said
    assert "2,000 rows of 20 nights" in marks[suites[0]].said
    for file in suites:
        (tmp_path / file).write_text((tmp_path / file).read_text().replace(MARK, "Reviewed:"))
    assert [mark.file for mark in _marks(pipeline, tmp_path)] == ["pipelines/visits/__init__.py"]


def test_a_route_that_is_a_log_reaches_nobody():
    log, people = Route("dry-run", "log://"), Route("clinic", "jsons://hooks.example.org", owner="clinic-*")
    assert _only_logged([log], "clinic-science")
    assert not _only_logged([log, people], "clinic-science")
    assert not _only_logged([], "clinic-science")
