"""The page about the DAGs says what their files say."""

import shutil
from pathlib import Path

import pytest

from nightshift.dags_page import PAGE, DagsNotShown, main, make_page, refresh, section
from pipelines.engine.promises.values import Declaration, Promise, Task
from tests.support.clone import REPOSITORY


def test_the_page_in_docs_is_what_the_dag_files_say() -> None:
    page = REPOSITORY / "docs" / "dags.md"
    assert page.read_text() == make_page(REPOSITORY / "dags", page), "run `make dags-doc`"


def test_a_file_is_told_in_its_own_words_and_its_dags_in_a_table() -> None:
    made = Declaration(
        "rates_scoring",
        owner="rates-team",
        schedule="0 4 * * *",
        timezone="Europe/Berlin",
        tasks=(Task("publish", ("score",)), Task("score", ("plan",), mapped=True), Task("plan")),
        promises=(Promise("finish_by", "rates_scoring", at="06:00", timezone="Europe/Berlin"),),
    )
    text = '"""# Rates\n\nEvery night.\n\n## If it fails\n\nWait.\n"""\n'
    assert section("rates.py", "../dags/rates.py", text, [made]) == (
        "## Rates\n\n[`dags/rates.py`](../dags/rates.py)\n\nEvery night.\n\n### If it fails\n\nWait.\n\n"
        "| DAG | owner | when | promises | tasks |\n| --- | --- | --- | --- | --- |\n"
        "| `rates_scoring` | rates-team | `0 4 * * *` Europe/Berlin | finished by 06:00 Europe/Berlin | plan, score (each), publish |\n"
    )


def test_a_file_without_a_text_is_asked_for_one() -> None:
    said = section("rates.py", "rates.py", "x = 1\n", [Declaration("rates", tasks=(Task("fetch"),))])
    assert said.startswith("## rates\n")
    assert "doc_md=__doc__" in said
    assert "| `rates` |  | by no single clock: assets, by hand, or a timetable of its own | nothing | fetch |" in said


def test_a_file_that_cannot_be_read_makes_no_page(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import there_is_no_such_thing\n")
    with pytest.raises(DagsNotShown, match=r"broken\.py: .*there_is_no_such_thing"):
        make_page(tmp_path, tmp_path / "dags.md")


def test_a_page_that_is_right_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "dags.md"
    main([str(page)])
    written = page.stat().st_mtime_ns
    main([str(page)])
    assert page.stat().st_mtime_ns == written
    assert capsys.readouterr().out == f"wrote {page}\n{page} is as the DAG files say\n"


def test_a_new_dag_file_comes_into_a_page_that_is_there_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    dags, page = tmp_path / "dags", tmp_path / PAGE
    dags.mkdir()
    shutil.copy(REPOSITORY / "dags" / "maintenance.py", dags)
    assert refresh(tmp_path) == ()
    page.parent.mkdir()
    page.write_text("old")
    assert refresh(tmp_path) == (PAGE,)
    assert "`nightshift_maintenance`" in page.read_text()
    assert refresh(tmp_path) == ()
    (dags / "broken.py").write_text("import there_is_no_such_thing\n")
    page.write_text("kept")
    assert refresh(tmp_path) == ()
    assert page.read_text() == "kept"
