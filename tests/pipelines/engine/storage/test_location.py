"""A location is a place of a store, however it was written down; what can be none is refused in words."""

from __future__ import annotations

import pytest

from pipelines.engine.errors import PathRefused, UsageError
from pipelines.engine.storage import Storage, here


@pytest.fixture
def storage(tmp_path):
    return Storage(tmp_path / "cache")


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/some/folder",
        "gs://bucket.with-dots_1/some/folder",
        "s3://bucket",
        "/srv/data",
        "s3://bucket/night#1?a%20b+ c/ü.parquet",
    ],
)
def test_location_reads_as_it_was_written(storage, url):
    assert str(storage.at(url)) == url


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("s3://bucket/folder/", "s3://bucket/folder"),
        ("s3://bucket/", "s3://bucket"),
        ("S3://bucket/Folder", "s3://bucket/Folder"),
        ("file:///srv/a%20b", "/srv/a b"),
    ],
)
def test_location_has_one_way_to_be_written(storage, url, read):
    assert str(storage.at(url)) == read


def test_relative_path_and_tilde_become_absolute(storage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert str(storage.at("data")) == f"{tmp_path}/data"
    assert str(storage.at("~/data")) == f"{tmp_path}/me/data"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3a://bucket/x", r"'s3a://bucket/x' is no place .* Did you mean 's3'"),
        ("https://bucket/x", "expected s3://BUCKET/FOLDER, gs://BUCKET/FOLDER or an absolute path"),
        ("s3://", "names no bucket; expected s3://BUCKET/FOLDER"),
        ("s3:///folder", "names no bucket"),
        ("s3://bucket//folder", "has a part without a name, or one that climbs"),
        ("s3://bucket/../other", "has a part without a name, or one that climbs"),
        ("gs://bucket/./x", "has a part without a name, or one that climbs"),
        ("s3://bucket:9000/x", "'bucket:9000', which can be no bucket's name"),
        ("s3://../x", "can be no bucket's name"),
    ],
)
def test_what_can_be_no_location_is_refused_in_words(storage, url, said):
    with pytest.raises(UsageError, match=said):
        storage.at(url)


def test_password_in_an_address_is_not_repeated(storage):
    with pytest.raises(UsageError, match="keys and server in the Airflow connection") as refused:
        storage.at("s3://AKIAKEY:secret@minio:9000/bucket")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["s3://bucket/folder", "gs://bucket", "/srv/data"])
def test_deeper_and_back(storage, url):
    folder = storage.at(url)
    file = folder / "night=2013-11-19/part.parquet"
    assert str(file) == f"{url}/night=2013-11-19/part.parquet"
    assert (file.name, str(file.parent)) == ("part.parquet", f"{url}/night=2013-11-19")
    assert file.parent.parent == folder


@pytest.mark.parametrize("url", ["s3://bucket/folder", "gs://bucket", "/srv/data"])
@pytest.mark.parametrize("name", ["..", "../other", "/etc", "a//b", "%2e%2e/x", "", "s3://other/x"])
def test_no_name_leads_out_of_a_folder(storage, url, name):
    with pytest.raises(PathRefused):
        storage.at(url) / name


def test_only_what_lies_on_this_machine_is_here(storage, tmp_path):
    assert storage.at(str(tmp_path)).is_here
    assert here(tmp_path) == storage.at(str(tmp_path))
    assert not storage.at("s3://bucket/folder").is_here


def test_same_place_of_the_same_storage_is_equal(storage):
    assert storage.at("s3://bucket/a") == storage.at("s3://bucket") / "a"
    assert storage.at("s3://bucket/a") != storage.at("gs://bucket/a")
    assert storage.at("s3://bucket/a") != storage.at("s3://bucket/b")
