"""Dashboards: their files are fresh, and their queries ask for what there is, in a way that gives an answer."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from nightshift.dashboards import DASHBOARDS, panels
from nightshift.dashboards.__main__ import FOLDER, write
from nightshift.dashboards.grafana import COLUMNS, SOURCE, to_json
from pipelines.engine.settings import REPOSITORY
from tests.support.command_line import check_command
from tests.support.documents import commands_in
from tests.support.measures import AIRFLOW, KNOWN, registry
from tests.support.monitoring import DOCKER, tool

RULES = sorted((DOCKER / "prometheus/rules").glob("*.yml"))
BY_DASHBOARD = [pytest.param(dashboard, id=dashboard.uid) for dashboard in DASHBOARDS]


def rules() -> list[dict]:
    return [rule for file in RULES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def expressions() -> dict[str, str]:
    """All queries of dashboards and rules, by where they stand."""
    found = {f"{panel.dashboard}: {panel.title} ({number})": panel.query for number, panel in enumerate(panels())}
    return found | {rule.get("alert") or rule["record"]: rule["expr"] for rule in rules()}


def names_in(expression: str) -> set[str]:
    """The series that a query asks for."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    return set(re.findall(r"\b((?:airflow|nightshift|prometheus)[_:][\w:]+|up|ALERTS)\b", bare))


def test_files_are_what_the_code_says(tmp_path: Path) -> None:
    write(tmp_path)
    ours = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert ours == {path.name: path.read_text() for path in FOLDER.iterdir()}, "run: make dashboards"


@pytest.mark.parametrize("dashboard", BY_DASHBOARD)
def test_panels_lie_side_by_side_and_say_what_they_mean(dashboard) -> None:
    page = to_json(dashboard)
    assert len({chart.title for chart in dashboard.charts}) == len(dashboard.charts)
    taken: Counter[tuple[int, int]] = Counter()
    for panel in page["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= COLUMNS
        taken.update(
            (place["x"] + column, place["y"] + row) for column in range(place["w"]) for row in range(place["h"])
        )
        assert len(panel["description"]) > 20, panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["targets"]
    assert taken.most_common(1)[0][1] == 1, "panels overlap"


@pytest.mark.parametrize("dashboard", BY_DASHBOARD)
def test_runbooks_that_panels_name_exist(dashboard) -> None:
    for chart in dashboard.charts:
        for name in re.findall(r"runbook ([a-z-]+)", chart.said):
            assert (REPOSITORY / f"docs/runbooks/{name}.md").exists(), chart.title


@pytest.mark.parametrize("dashboard", BY_DASHBOARD)
def test_commands_that_panels_name_exist(dashboard) -> None:
    for chart in dashboard.charts:
        for words in commands_in(chart.said):
            check_command(words[1:], " ".join(words), whole=False)


def test_dashboards_lead_to_each_other_and_to_one_source() -> None:
    assert len({dashboard.uid for dashboard in DASHBOARDS}) == 5
    for dashboard in DASHBOARDS:
        [link] = to_json(dashboard)["links"]
        assert set(link["tags"]) <= set(to_json(dashboard)["tags"])
    provided = yaml.safe_load((DOCKER / "grafana/provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    assert [(one["type"], one["uid"]) for one in provided] == [(SOURCE["type"], SOURCE["uid"])]


def test_variables_are_those_that_queries_use() -> None:
    for dashboard in DASHBOARDS:
        text = json.dumps([panel["targets"] for panel in to_json(dashboard)["panels"]])
        used = set(re.findall(r"\$([a-z]+)", text))
        assert used == {variable.name for variable in dashboard.variables}


def test_every_query_is_promql(tmp_path: Path) -> None:
    queries = [panel.query for panel in panels()]
    assert not [query for query in queries if "$" in query]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    assert f"SUCCESS: {len(queries)} rules found" in tool("promtool", "check", "rules", str(file))


def test_queries_and_rules_ask_for_measures_that_there_are() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    unknown = {
        f"{where}: {name}"
        for where, expression in expressions().items()
        for name in names_in(expression) - set(KNOWN) - recorded
    }
    assert not unknown


def test_measures_of_airflow_are_in_its_registry() -> None:
    assert sorted(set(AIRFLOW) - registry()) == []


def test_queries_and_rules_ask_for_labels_that_there_are() -> None:
    wrong = [
        f"{where}: {name} has no {label}"
        for where, expression in expressions().items()
        for name, inside in re.findall(r"\b([a-zA-Z_]+)\{([^}]*)\}", expression)
        for label in re.findall(r'(\w+)\s*[!=]~?"', inside)
        if name in KNOWN and label not in KNOWN[name]
    ]
    assert wrong == []


def test_every_query_has_an_answer_where_everything_is_measured(tmp_path: Path) -> None:
    """Each series that there is, for nine days: a query without an answer joins what does not fit together."""
    words = {"step": "score", "job": "prometheus", "severity": "critical", "alertstate": "firing", "state": "late"}
    words |= {"dag_id": "flights_scoring", "pipeline": "flights"}
    several = {
        "kind": ("in", "scored", "quarantined", "published"),
        "outcome": ("done", "failed", "refused", "replayed", "fence_lost"),
        "result": ("hit", "miss"),
        "direction": ("read", "written"),
        "step": ("score", "train"),
    }
    series = []
    for name, labels in KNOWN.items():
        choices = [{}]
        for label in labels:
            choices = [one | {label: word} for one in choices for word in several.get(label, (words.get(label, "x"),))]
        for choice in choices:
            inside = ",".join(f'{label}="{word}"' for label, word in choice.items())
            # Seconds since 1970 of a promtool test begin at 0.
            series.append({"series": f"{name}{{{inside}}}", "values": "1+1x3240"})
    series.append({"series": 'nightshift:error_budget_left:ratio28d{dag_id="x"}', "values": "1x3240"})
    asked = [
        {"expr": f"count({panel.query}) > bool 0", "eval_time": "215h", "exp_samples": [{"labels": "{}", "value": 1}]}
        for panel in panels()
    ]
    file = tmp_path / "answers.yml"
    test = {"interval": "4m", "input_series": series, "promql_expr_test": asked}
    used = [str(path) for path in RULES if path.stem in ("platform", "steps")]
    file.write_text(yaml.safe_dump({"rule_files": used, "evaluation_interval": "1h", "tests": [test]}))
    assert "SUCCESS" in tool("promtool", "test", "rules", str(file))
