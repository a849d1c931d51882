"""The doctor: this repository has nothing to mend, and what others have is found at its place."""

from __future__ import annotations

import json
import os

import pytest
from click.testing import CliRunner, Result

from nightshift.cli import cli
from nightshift.declarations import Read
from nightshift.doctor.rules import lacks
from nightshift.doctor.source import line_of, sla_findings
from pipelines.engine.promises.values import Declaration, Promise, Task

BAD = {
    "leftovers.py": """from datetime import datetime, timedelta
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

OLD = {"sla": timedelta(hours=1)}
with DAG(
    "leftovers",
    schedule="0 3 * * *",
    start_date=datetime(2024, 1, 1),
    sla_miss_callback=None,
):
    task = BashOperator(task_id="a", bash_command="true", sla=timedelta(hours=2))
""",
    "heavy.py": '''"""Heavy."""
from airflow.sdk import DAG
import helper
from nightshift import promise
''',
    "broken.py": "import this_is_not_there\n",
    "syntax.py": "\n\nx = (\n",
}


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("NIGHTSHIFT_")]:
            patch.delenv(name)
        patch.delenv("AIRFLOW_HOME", raising=False)
        patch.setenv("NIGHTSHIFT_HOME", str(tmp_path_factory.mktemp("home")))
        yield


def doctor(*words: str) -> Result:
    return CliRunner().invoke(cli, ["doctor", *words])


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, home: None) -> list[dict]:
    repository = tmp_path_factory.mktemp("bad")
    (repository / "dags").mkdir()
    for name, text in BAD.items():
        (repository / "dags" / name).write_text(text)
    (repository / "dags/helper.py").write_text("def quick():\n    pass\n\n\nimport sklearn\n")
    done = doctor("--dags", str(repository / "dags"), "--json")
    assert done.exit_code == 1, done.output
    return json.loads(done.stdout)


def test_this_repository_has_nothing_to_mend() -> None:
    done = doctor()
    assert done.exit_code == 0, done.output
    assert "Nothing to mend" in done.stdout


@pytest.mark.parametrize(
    ("file", "line", "rule", "word"),
    [
        ("leftovers.py", 5, "sla", '"sla"'),
        ("leftovers.py", 12, "sla", "sla="),
        ("leftovers.py", 6, "no_owner", "nobody answers for"),
        ("leftovers.py", 6, "no_docs", "has no page"),
        ("leftovers.py", 6, "no_promise", "0 3 * * *"),
        ("helper.py", 5, "heavy_import", "sklearn is imported when heavy.py is parsed"),
        ("broken.py", 1, "import_error", "No module named 'this_is_not_there'"),
        ("syntax.py", 3, "import_error", "was never closed"),
    ],
)
def test_what_must_not_stay_is_found_where_it_is(found: list[dict], file: str, line: int, rule: str, word: str) -> None:
    mine = [each for each in found if (each["file"], each["line"], each["rule"]) == (file, line, rule)]
    assert any(word in each["text"] for each in mine), found
    assert all(each["way_out"] for each in mine)


def test_an_argument_that_is_none_is_no_leftover(found: list[dict]) -> None:
    assert not [each for each in found if "sla_miss_callback" in each["text"]]


@pytest.mark.parametrize(
    "text",
    [
        "x = Operator(sla=timedelta(hours=1))",
        "default_args = {'sla': timedelta(hours=1)}",
        "default_args['sla'] = 1",
        "task.sla = 1",
        "with DAG('x', sla_miss_callback=tell): pass",
    ],
)
def test_every_way_to_say_sla_is_known(text: str) -> None:
    (finding,) = sla_findings("x.py", text)
    assert "due_within(task, timedelta(...))" in finding.way_out


@pytest.mark.parametrize(
    ("dag_id", "line"), [("named", 2), ("worded", 3), ("decorated", 6), ("flights_scoring", 8), ("elsewhere", 1)]
)
def test_dags_are_found_in_the_text_of_their_file(dag_id: str, line: int) -> None:
    text = (
        "from airflow.sdk import DAG, dag\n"
        "a = DAG('named')\n"
        "b = sdk.DAG(dag_id='worded')\n"
        "\n"
        "@dag\n"
        "def decorated():\n"
        "    pass\n"
        "scoring = scoring_dag(flights)\n"
    )
    assert line_of(dag_id, text) == line


def rules(declaration: Declaration, *, routes: bool = True, recorded: tuple[str, ...] = ()) -> list[str]:
    owners = {"x": (declaration.owner,)}
    read = Read((declaration,), frozenset({"x"}), owners)
    return [finding.rule for finding in lacks(read, {}, now=2e9, covers=lambda _: routes, recorded=recorded)]


PROMISED = Declaration(
    "x", owner="us", file="x.py", schedule="@daily", tasks=(Task("a"),), promises=(Promise("finish_within", "x"),)
)


def test_owner_whose_alerts_nobody_takes_is_found() -> None:
    assert rules(PROMISED) == []
    assert rules(PROMISED, routes=False) == ["unknown_route"]


def test_promise_of_a_schedule_that_has_ended_is_found_but_for_a_past_that_is_replayed() -> None:
    from dataclasses import replace

    over = replace(PROMISED, ends=1e9, pipeline="flights", kind="scoring")
    assert rules(over) == ["promise_has_ended"]
    assert rules(over, recorded=("flights",)) == []
    assert rules(replace(PROMISED, ends=3e9)) == []
