"""Who relies on another is copied first, and what does not agree is found."""

from pathlib import Path

import pytest

from nightshift.backup.errors import BackupDamaged
from nightshift.backup.manifest import KeptPart, Manifest, disagreements, read_manifest
from nightshift.backup.plan import (
    Part,
    believing_too_much,
    delta_versions,
    in_order,
    inside_of,
    not_covered,
    parts_of,
    whole_logs,
)
from pipelines.engine.errors import UsageError
from pipelines.engine.settings import read_settings

LOG = "flights/predictions/_delta_log"


def settings(tmp_path, **more):
    return read_settings({"NIGHTSHIFT_HOME": str(tmp_path), **more})


def entry(version):
    return f"{LOG}/{version:020}.json"


def test_airflow_comes_before_the_ledger_and_the_ledger_before_what_it_relies_on(tmp_path):
    parts = parts_of(
        settings(tmp_path),
        databases={"mlflow_auth": "postgresql://h/mlflow_auth", "airflow": "postgresql://h/airflow"},
        folders={"artifacts": "s3://bucket/artifacts"},
    )
    names = [part.name for part in parts]
    assert names == ["airflow", "ledger", "tables", "reports", "mlflow", "mlflow_auth", "artifacts", "data"]
    assert in_order(reversed(parts)) == parts


def test_server_of_models_is_left_to_the_caller_who_is_told(tmp_path):
    parts = parts_of(settings(tmp_path, NIGHTSHIFT_TRACKING_URI="https://mlflow.internal"), without=["data"])
    assert [part.name for part in parts] == ["ledger", "tables", "reports"]
    told = "\n".join(not_covered(parts))
    for word in ("MLflow is a server", "Airflow's database", "delivered rows", "secrets"):
        assert word in told


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"databases": {"Led ger": "x"}}, "names no part"),
        ({"databases": {"tables": "sqlite:///x"}}, "tables is a folder, and cannot be a database"),
        ({"without": ["tabels"]}, "no part 'tabels'.*Did you mean 'tables'"),
    ],
)
def test_parts_that_cannot_be_are_refused(tmp_path, given, words):
    with pytest.raises(UsageError, match=words):
        parts_of(settings(tmp_path), **given)


def test_password_of_an_address_is_never_shown():
    part = Part("ledger", "database", "postgresql://nightshift:secret@host/ledger")
    assert part.shown == "postgresql://host/ledger"
    assert "secret" not in repr(part)


def test_log_is_copied_up_to_the_first_version_that_is_missing():
    paths = [
        entry(0),
        entry(1),
        entry(3),
        f"{LOG}/{3:020}.checkpoint.parquet",
        f"{LOG}/_last_checkpoint",
        "a/b.parquet",
    ]
    assert whole_logs(paths) == [entry(0), entry(1)]


def test_log_may_begin_at_a_checkpoint():
    paths = [entry(7), f"{LOG}/{7:020}.checkpoint.parquet", entry(8)]
    assert whole_logs(paths) == paths
    assert delta_versions([*paths, "flights/x.parquet"]) == {"flights/predictions": 8}


def test_vault_inside_of_what_it_keeps_is_found(tmp_path):
    parts = [Part("tables", "folder", str(tmp_path / "tables")), Part("data", "folder", "s3://bucket/data")]
    assert inside_of(tmp_path / "tables/vault", parts).name == "tables"
    assert inside_of(tmp_path / "vault", parts) is None


def manifest(promised, tables):
    parts = tuple(KeptPart(name, "folder", "x", ()) for name in ("ledger", "tables"))
    return Manifest("n", 1.0, "0.1.0", "0005", promised, tables, parts)


def test_ledger_that_believes_more_than_the_table_shows_is_found():
    assert disagreements(manifest({"flights": 4}, {"flights/predictions": 4})) == []
    assert disagreements(manifest({"flights": 4}, {"flights/predictions": 9})) == []
    [said] = disagreements(manifest({"flights": 4}, {"flights/predictions": 3}))
    assert "version 4 of flights's table was published, and the table's copy ends at 3" in said
    assert disagreements(manifest({"flights": 4}, {}))


@pytest.mark.parametrize(
    ("restored", "left"),
    [
        (["airflow", "ledger", "tables"], []),
        (["ledger"], ["Airflow"]),
        (["tables", "reports"], ["the ledger"]),
        (["mlflow", "artifacts"], ["the ledger"]),
        (["data"], []),
    ],
)
def test_who_was_left_and_believes_too_much_is_named(restored, left):
    assert [words.split(" was left")[0] for words in believing_too_much(restored)] == left


def test_manifest_is_read_as_it_was_written():
    made = manifest({"flights": 4}, {"flights/predictions": 4})
    assert read_manifest(made.to_json(), "n") == made


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 2}'])
def test_manifest_that_is_none_is_refused_in_words(text):
    with pytest.raises(BackupDamaged, match=r"cannot be read|newer Nightshift"):
        read_manifest(text, "n")


def test_settings_of_a_laptop_name_its_parts(tmp_path):
    (tmp_path / "airflow").mkdir()
    (tmp_path / "airflow" / "airflow.db").touch()
    parts = parts_of(settings(tmp_path))
    assert [part.name for part in parts] == ["airflow", "ledger", "tables", "reports", "mlflow", "artifacts", "data"]
    assert all(str(Path(tmp_path).resolve()) in part.address for part in parts)
