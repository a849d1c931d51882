import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from model_registry import NoSuchRun, TamperedModel
from model_registry.package import load_package


@pytest.fixture
def version(register):
    return register()


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def test_fetched_package_predicts(registry, version, cache, rows):
    package = registry.fetch(version, cache)
    assert package == cache / version.digest / "artifacts/package"
    assert load_package(package).predict_frame(rows).tolist() == [11.0, 12.0, 14.0]


def test_second_fetch_reads_the_cache_alone(registry, version, cache):
    registry.fetch(version, cache)
    (Path(version.source) / "MLmodel").unlink()
    assert registry.fetch(version, cache).is_dir()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("artifacts/package/model.json", '{"hour": 3.0}'),
        ("artifacts/package/package.json", '{"loader": "os:system"}'),
        ("artifacts/package/extra.py", "print()"),
        ("MLmodel", None),
    ],
)
def test_changed_added_or_missing_file_is_never_loaded(registry, version, cache, name, content):
    file = Path(version.source) / name
    file.unlink() if content is None else file.write_text(content)
    with pytest.raises(TamperedModel, match=f"File: {name}") as caught:
        registry.fetch(version, cache)
    assert caught.value.file == name
    assert caught.value.expected != caught.value.got
    assert list(cache.iterdir()) == []


def test_file_changed_together_with_its_listing_is_never_loaded(registry, version, cache):
    from model_registry.digests import digest_files, write_listing

    source = Path(version.source)
    (source / "artifacts/package/model.json").write_text(json.dumps({"hour": 3.0}))
    write_listing(source, digest_files(source))
    with pytest.raises(TamperedModel, match=r"File: digests\.json"):
        registry.fetch(version, cache)


def test_spoilt_cache_is_fetched_anew(registry, version, cache, rows):
    package = registry.fetch(version, cache)
    (package / "model.json").write_text('{"hour": 3.0}')
    assert load_package(registry.fetch(version, cache)).predict_frame(rows).tolist() == [11.0, 12.0, 14.0]
    assert [each.name for each in cache.iterdir()] == [version.digest]


def changed(place):
    (place / "artifacts/package/model.json").write_text('{"hour": 3.0}')


def added(place):
    (place / "artifacts/package/sitecustomize.py").write_text("print()")


def removed(place):
    (place / "MLmodel").unlink()


def linked_file(place):
    (place / "artifacts/package/model.json").rename(place.parent.parent / "elsewhere.json")
    (place / "artifacts/package/model.json").symlink_to(place.parent.parent / "elsewhere.json")


def linked_folder(place):
    (place / "artifacts").rename(place.parent.parent / "elsewhere")
    (place / "artifacts").symlink_to(place.parent.parent / "elsewhere")


def linked_place(place):
    place.rename(place.parent.parent / "elsewhere")
    place.symlink_to(place.parent.parent / "elsewhere")


def dangling_place(place):
    linked_place(place)
    shutil.rmtree(place.parent.parent / "elsewhere")


@pytest.mark.parametrize(
    "spoil",
    [changed, added, removed, linked_file, linked_folder, linked_place, dangling_place],
    ids=lambda spoil: spoil.__name__,
)
def test_cache_that_was_changed_after_it_was_verified_is_fetched_anew(registry, version, cache, rows, spoil):
    place = registry.fetch(version, cache).parents[1]
    spoil(place)
    package = registry.fetch(version, cache)
    assert load_package(package).predict_frame(rows).tolist() == [11.0, 12.0, 14.0]
    assert [each.name for each in cache.iterdir()] == [version.digest]
    assert not [path for path in (place, *place.rglob("*")) if path.is_symlink()]
    assert not (place / "artifacts/package/sitecustomize.py").exists()


def test_what_a_planted_link_leads_to_is_left_alone(registry, version, cache, tmp_path):
    linked_place(registry.fetch(version, cache).parents[1])
    registry.fetch(version, cache)
    assert (tmp_path / "elsewhere" / "MLmodel").exists()


def test_changed_cache_and_changed_store_are_never_loaded(registry, version, cache):
    place = registry.fetch(version, cache).parents[1]
    for folder in (place, Path(version.source)):
        changed(folder)
    for _ in range(2):
        with pytest.raises(TamperedModel, match=r"File: artifacts/package/model\.json"):
            registry.fetch(version, cache)


def test_emptied_cache_entry_is_fetched_anew(registry, version, cache):
    (cache / version.digest).mkdir(parents=True)
    assert (registry.fetch(version, cache) / "package.json").exists()


@pytest.mark.parametrize(
    "tags", [{"digest": ""}, {"key": ""}, {"digest": "../../elsewhere"}, {"digest": "/etc"}, {"digest": "a\0b"}]
)
def test_version_without_our_tags_is_never_loaded(registry, version, cache, tags):
    with pytest.raises(TamperedModel, match="no recorded digest"):
        registry.fetch(dataclasses.replace(version, **tags), cache)
    assert not cache.exists()


def test_plain_mlflow_loads_the_champion_and_predicts_from_raw_columns(registry, version, rows):
    """With pickles forbidden, as our manners have it."""
    import mlflow

    registry.promote("flights", to=version.version, expected=None, key="p", actor="test", reason="first")
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    mlflow.set_tracking_uri(registry._store.tracking_uri)
    mlflow.set_registry_uri(registry._store.tracking_uri)
    try:
        model = mlflow.pyfunc.load_model("models:/flights@champion")
    finally:
        mlflow.set_tracking_uri(before[0])
        mlflow.set_registry_uri(before[1])
    predictions = model.predict(rows)
    assert predictions.dtype == np.float64
    assert predictions.tolist() == [11.0, 12.0, 14.0]


def test_a_model_is_fetched_before_it_is_registered_and_found_again_afterwards(registry, train, cache, rows):
    run = train("one")
    package = registry.fetch_trained(run.run_id, run.digest, cache)
    assert load_package(package).predict_frame(rows).tolist() == [11.0, 12.0, 14.0]
    version = registry.register_once("flights", key="one", run_id=run.run_id, description="", tags={})
    assert registry.fetch(version, cache) == package


def test_a_model_that_is_not_the_trained_one_is_not_fetched(registry, train, cache):
    run = train("one")
    with pytest.raises(TamperedModel):
        registry.fetch_trained(run.run_id, "0" * 64, cache)
    with pytest.raises(NoSuchRun):
        registry.fetch_trained("0" * 32, run.digest, cache)
