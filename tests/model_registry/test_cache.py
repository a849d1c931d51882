"""Packages of the cache are known by their last use, and leave in one step."""

import os
import time

import pytest

from model_registry import cached_packages, discard


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def test_fetch_says_when_a_package_was_last_used(registry, register, cache):
    version = register()
    registry.fetch(version, cache)
    os.utime(cache / version.digest, (1.0, 1.0))
    registry.fetch(version, cache)
    [package] = cached_packages(cache)
    assert package.name == version.digest
    assert package.used_at > time.time() - 600
    assert package.bytes == sum(file.stat().st_size for file in cache.rglob("*") if file.is_file())


def test_discarded_package_is_fetched_again(registry, register, cache):
    version = register()
    registry.fetch(version, cache)
    discard(cache, version.digest)
    assert cached_packages(cache) == []
    assert registry.fetch(version, cache).is_dir()


def test_only_our_own_folders_are_listed_and_links_are_not(cache):
    for name in ("copies", "notes", ".fetch-abc", ".spoilt-abc", "a" * 64):
        (cache / name).mkdir(parents=True)
    (cache / ("b" * 64)).symlink_to(cache / "notes")
    assert [package.name for package in cached_packages(cache)] == [".fetch-abc", ".spoilt-abc", "a" * 64]


def test_discarding_leads_nowhere_else(cache, tmp_path):
    (tmp_path / "precious").mkdir()
    cache.mkdir()
    discard(cache, "../precious")
    discard(cache, "gone")
    assert (tmp_path / "precious").is_dir()
    assert cached_packages(tmp_path / "no-cache") == []
