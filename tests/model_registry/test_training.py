import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from model_registry import BadPackage, NoSuchRun, RegistryRefused


def client_of(registry):
    return registry._store.client


def test_run_holds_everything_that_was_logged(registry, train):
    logged = train()
    run = client_of(registry).get_run(logged.run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "2013-11-01"
    assert run.data.params == {
        "trees": "100",
        "objective": "binary",
        "window": '["2013-09-01", "2013-10-31"]',
    }
    assert run.data.metrics == {"auc": 0.71}
    assert run.data.tags["code_version"] == "abc"
    assert run.data.tags["nightshift.complete"] == "true"
    assert run.data.tags["nightshift.dataset.digest"] == "f" * 64
    assert [each.dataset.name for each in run.inputs.dataset_inputs] == ["flights"]
    assert [each.model_id for each in run.outputs.model_outputs] == [logged.model_uri.removeprefix("models:/")]
    assert [each.path for each in client_of(registry).list_artifacts(logged.run_id, "pictures")] == ["pictures/roc.png"]


def test_model_directory_holds_no_pickle_and_is_listed_completely(train):
    logged = train()
    assert {"MLmodel", "pyfunc_model.py", "artifacts/package/package.json", "input_example.json"} <= set(logged.digests)
    assert not [name for name in logged.digests if name.endswith((".pkl", ".pickle"))]
    assert len(logged.digest) == 64


def test_signature_names_raw_columns(registry, train):
    from mlflow.models import Model

    model_id = train().model_uri.removeprefix("models:/")
    model = Model.load(client_of(registry).get_logged_model(model_id).artifact_location)
    columns = {column.name: (column.type.name, column.required) for column in model.signature.inputs}
    assert columns == {"distance": ("double", False), "carrier": ("string", False), "hour": ("long", True)}
    assert model.signature.outputs.to_dict()[0]["tensor-spec"]["dtype"] == "float64"


def test_finished_training_is_not_logged_again(registry, train):
    first = train("same")
    again = train("same", metrics={"auc": 0.1})
    assert (first.reused, again.reused) == (False, True)
    assert (again.run_id, again.digest, again.digests) == (first.run_id, first.digest, first.digests)
    assert client_of(registry).get_run(first.run_id).data.metrics == {"auc": 0.71}


def test_run_of_a_killed_attempt_is_marked_failed_and_left(registry, train):
    client = client_of(registry)
    train("other")
    experiment = client.get_experiment_by_name("flights").experiment_id
    running = client.create_run(experiment, tags={"nightshift.key": "same"}).info.run_id
    almost = client.create_run(experiment, tags={"nightshift.key": "same"}).info.run_id
    client.set_terminated(almost, "FINISHED")
    logged = train("same")
    assert logged.run_id not in (running, almost)
    assert {client.get_run(each).info.status for each in (running, almost)} == {"FAILED"}


def test_failed_logging_leaves_a_failed_run_and_the_first_error(registry, train, make_package):
    with pytest.raises(BadPackage, match=r"expected shape \(3,\) or \(3, classes\), got \(1, 3\)"):
        train("bad", package=make_package("square", loader="linear_loader:load_square"))
    experiment = client_of(registry).get_experiment_by_name("flights").experiment_id
    assert [run.info.status for run in client_of(registry).search_runs([experiment])] == ["FAILED"]


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ('{"family": "linear"}', "must hold"),
        ('{"loader": "no_such_module:load"}', "cannot be imported"),
        ('{"loader": "linear_loader:lod"}', "cannot be imported"),
    ],
)
def test_bad_package_is_refused_in_words(train, make_package, manifest, words):
    package = make_package("bad")
    (package / "package.json").unlink() if manifest is None else (package / "package.json").write_text(manifest)
    with pytest.raises(BadPackage, match=words):
        train(package=package)


def test_times_with_a_zone_are_refused_by_column(train, rows):
    import pandas as pd

    rows["seen_at"] = pd.to_datetime(["2013-11-01"] * 3, utc=True)
    with pytest.raises(BadPackage, match="seen_at"):
        train(input_example=rows)


@pytest.mark.parametrize("key", ["", "it's", "x" * 251, "a\nb"])
def test_key_that_cannot_be_searched_is_refused(train, key):
    with pytest.raises(RegistryRefused, match="A key is 1 to 250"):
        train(key)


def test_metrics_are_added_changed_and_not_written_twice(registry, train):
    run_id, client = train().run_id, client_of(registry)
    registry.set_metrics(run_id, {"auc": 0.71, "late": 0.2})
    for _ in range(2):
        registry.set_metrics(run_id, {"auc": 0.71, "late": 0.1, "gap": math.nan})
    metrics = client.get_run(run_id).data.metrics
    assert (metrics["auc"], metrics["late"]) == (0.71, 0.1)
    assert math.isnan(metrics["gap"])
    assert [len(client.get_metric_history(run_id, name)) for name in ("auc", "late", "gap")] == [1, 2, 1]


def test_metrics_of_an_unknown_run_are_refused(registry):
    with pytest.raises(NoSuchRun, match="no run"):
        registry.set_metrics("0" * 32, {"auc": 1.0})


def test_file_is_added_to_a_finished_run_and_replaced_by_the_next_of_its_name(registry, train, tmp_path):
    run_id, client = train().run_id, client_of(registry)
    for text in ("first", "second"):
        (tmp_path / "made.html").write_text(text)
        registry.add_artifact(run_id, "card.html", tmp_path / "made.html")
    assert [each.path for each in client.list_artifacts(run_id, "artifacts")] == ["artifacts/card.html"]
    assert Path(client.download_artifacts(run_id, "artifacts/card.html")).read_text() == "second"
    assert client.get_run(run_id).info.status == "FINISHED"


def test_file_of_an_unknown_run_is_refused(registry, tmp_path):
    (tmp_path / "card.html").write_text("x")
    with pytest.raises(NoSuchRun, match="no run"):
        registry.add_artifact("0" * 32, "card.html", tmp_path / "card.html")


def test_process_wide_mlflow_state_is_left_alone(train):
    import mlflow

    before = mlflow.get_tracking_uri(), mlflow.active_run(), os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]
    train()
    assert (mlflow.get_tracking_uri(), mlflow.active_run(), os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]) == before


def test_import_is_light_and_nothing_calls_home():
    code = """
import sys, json, model_registry, model_registry.registry
light = not {"mlflow", "pandas", "numpy", "matplotlib", "sqlalchemy"} & set(sys.modules)
model_registry.preload()
from mlflow.telemetry import get_telemetry_client
from mlflow.telemetry.utils import is_telemetry_disabled
print(json.dumps([light, is_telemetry_disabled(), get_telemetry_client() is None]))
"""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    assert json.loads(answer.stdout) == [True, True, True]
    assert answer.stderr == ""
