"""Every place has a default under one home, one variable of its own, and a message when that cannot be."""

import pytest

from pipelines.engine.errors import UsageError
from pipelines.engine.settings import REPOSITORY, read_settings


def test_everything_lies_under_one_home_of_the_repository():
    settings = read_settings({})
    home = REPOSITORY / ".nightshift"
    assert settings.home == home
    assert [settings.data, settings.tables, settings.reports, str(settings.cache)] == [
        str(home / name) for name in ("data", "tables", "reports", "cache")
    ]
    assert settings.ledger_url == f"sqlite:///{home / 'ledger.db'}"
    assert settings.tracking_uri == f"sqlite:///{home / 'mlflow' / 'mlflow.db'}"
    assert settings.artifacts == f"file://{home / 'mlflow' / 'artifacts'}"
    assert settings.lease_seconds == 60.0


def test_home_moves_everything(tmp_path):
    settings = read_settings({"NIGHTSHIFT_HOME": str(tmp_path)})
    assert settings.data == str(tmp_path / "data")
    assert settings.ledger_url == f"sqlite:///{tmp_path / 'ledger.db'}"
    assert settings.artifacts == f"file://{tmp_path}/mlflow/artifacts"


def test_each_place_has_a_variable_of_its_own(tmp_path):
    settings = read_settings(
        {
            "NIGHTSHIFT_HOME": str(tmp_path),
            "NIGHTSHIFT_DATA": "/srv/data",
            "NIGHTSHIFT_TABLES": "file:///srv/tables",
            "NIGHTSHIFT_REPORTS": "/srv/reports",
            "NIGHTSHIFT_LEDGER_URL": "postgresql://nightshift@db/ledger",
            "NIGHTSHIFT_TRACKING_URI": "http://mlflow:5000",
            "NIGHTSHIFT_LEASE_SECONDS": "7.5",
        }
    )
    assert (settings.data, settings.tables, settings.reports) == ("/srv/data", "/srv/tables", "/srv/reports")
    assert settings.ledger_url == "postgresql://nightshift@db/ledger"
    assert (settings.tracking_uri, settings.artifacts) == ("http://mlflow:5000", None)
    assert settings.lease_seconds == 7.5


def test_empty_variable_is_no_variable():
    names = ("HOME", "DATA", "TABLES", "REPORTS", "LEDGER_URL", "TRACKING_URI", "LEASE_SECONDS")
    assert read_settings({f"NIGHTSHIFT_{name}": "" for name in names}) == read_settings({})


def test_relative_folder_and_tilde_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    settings = read_settings({"NIGHTSHIFT_DATA": "data", "NIGHTSHIFT_TABLES": "~/tables"})
    assert (settings.data, settings.tables) == (str(tmp_path / "data"), str(tmp_path / "me" / "tables"))


def test_environment_of_the_process_is_read_by_default(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    assert read_settings().home == tmp_path


@pytest.mark.parametrize("name", ["DATA", "TABLES", "REPORTS"])
@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_rows_tables_and_reports_may_lie_in_an_object_store(name, scheme):
    settings = read_settings({f"NIGHTSHIFT_{name}": f"{scheme}://bucket/some/folder/"})
    assert getattr(settings, name.lower()) == f"{scheme}://bucket/some/folder"


def test_home_lies_on_this_machine():
    with pytest.raises(UsageError, match="NIGHTSHIFT_HOME='s3://bucket/x' is not a folder of this machine"):
        read_settings({"NIGHTSHIFT_HOME": "s3://bucket/x"})


def test_unknown_kind_of_store_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match=r"NIGHTSHIFT_DATA: 's3a://bucket/x' is no place.*Did you mean 's3'"):
        read_settings({"NIGHTSHIFT_DATA": "s3a://bucket/x"})


def test_store_without_a_bucket_is_refused():
    with pytest.raises(UsageError, match="names no bucket; expected s3://BUCKET/FOLDER"):
        read_settings({"NIGHTSHIFT_TABLES": "s3:///x"})


@pytest.mark.parametrize("sign", ["#", "?", "%20", "\n"])
def test_store_folder_that_the_libraries_would_read_differently_is_refused(sign):
    with pytest.raises(UsageError, match=r"NIGHTSHIFT_TABLES='s3://bucket/a.*' holds .*Choose a folder without them"):
        read_settings({"NIGHTSHIFT_TABLES": f"s3://bucket/a{sign}b"})


def test_connections_have_airflows_own_default_names():
    settings = read_settings({})
    assert (settings.aws_connection, settings.google_connection) == ("aws_default", "google_cloud_default")
    assert read_settings({"NIGHTSHIFT_AWS_CONNECTION": "lake"}).aws_connection == "lake"


@pytest.mark.parametrize("value", ["soon", "0", "0.5", "-3", "nan", "inf"])
def test_lease_that_is_no_time_is_refused(value):
    with pytest.raises(
        UsageError, match=f"NIGHTSHIFT_LEASE_SECONDS='{value}' is not a number of seconds of at least 1"
    ):
        read_settings({"NIGHTSHIFT_LEASE_SECONDS": value})


def test_databases_with_rows_are_named_and_their_passwords_not_shown():
    settings = read_settings(
        {"NIGHTSHIFT_SOURCE_LAKE": "postgresql://me:swordfish@host/lake", "NIGHTSHIFT_SOURCE_X": ""}
    )
    assert dict(settings.sources) == {"lake": "postgresql://me:swordfish@host/lake"}
    assert "swordfish" not in repr(settings)
    assert settings.databases == settings.home / "databases"


def test_settings_that_are_shown_hold_no_password():
    environment = {
        "NIGHTSHIFT_LEDGER_URL": "postgresql://us:secret-one@db/ledger",
        "NIGHTSHIFT_TRACKING_URI": "https://us:secret-two@mlflow",
    }
    assert "secret" not in repr(read_settings(environment))


def test_models_are_compiled_and_all_cores_are_used_unless_somebody_says_otherwise():
    assert (read_settings({}).compiles, read_settings({}).cores) == (True, None)
    said = read_settings({"NIGHTSHIFT_COMPILE": "off", "NIGHTSHIFT_CORES": "4"})
    assert (said.compiles, said.cores) == (False, 4)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("NIGHTSHIFT_COMPILE", "perhaps", "is neither on nor off. Give 1 or 0, or unset it."),
        ("NIGHTSHIFT_CORES", "0", "is not a number of cores of at least 1"),
        ("NIGHTSHIFT_CORES", "two", "is not a number of cores of at least 1"),
        ("NIGHTSHIFT_CORES", "-1", "is not a number of cores of at least 1"),
    ],
)
def test_settings_of_speed_that_cannot_be_used_are_refused(name, value, words):
    with pytest.raises(UsageError, match=f"{name}='{value}' {words}"):
        read_settings({name: value})


@pytest.mark.parametrize("value", ["many", "0", "-1", "1.5"])
def test_number_of_shards_that_is_none_is_refused(value):
    with pytest.raises(UsageError, match=f"NIGHTSHIFT_SPARK_SHARDS='{value}' is not a whole number of at least 1"):
        read_settings({"NIGHTSHIFT_SPARK_SHARDS": value})


def test_cluster_is_named_by_address_or_connection_and_its_token_is_not_shown():
    settings = read_settings({"NIGHTSHIFT_SPARK": "sc://spark/;token=secret", "NIGHTSHIFT_SPARK_CONNECTION": "cluster"})
    assert (settings.spark, settings.spark_connection) == ("sc://spark/;token=secret", "cluster")
    assert "secret" not in repr(settings)
