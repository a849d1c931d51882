"""Which suites there are is known from the folder, whenever somebody asks."""

from data_checks.suites import FOLDER, SUITES, module_of, suite_names


def test_every_file_but_shared_ones_is_a_suite():
    assert set(suite_names()) == {path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_")}
    assert module_of("flights_rows") == "data_checks.suites.flights_rows"
    assert "__init__" not in SUITES
    assert "../errors" not in SUITES


def test_suite_that_is_written_while_the_process_lives_is_known(monkeypatch, tmp_path):
    """As when `nightshift new` writes one beside an Airflow that runs."""
    monkeypatch.setattr("data_checks.suites.FOLDER", tmp_path)
    assert suite_names() == ()
    (tmp_path / "churn_rows.py").touch()
    assert suite_names() == ("churn_rows",)
    assert "churn_rows" in SUITES
    (tmp_path / "churn_rows.py").unlink()
    assert "churn_rows" not in SUITES
