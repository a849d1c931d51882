"""When a report or quarantined rows may go, as a rule on names and keys."""

from __future__ import annotations

import dataclasses

import pytest

from pipelines.engine.ledger.values import Entry
from pipelines.engine.tidy.check_rules import CheckFile, read_name, why_check_may_go

OLD, NEW = "aa" * 32, "bb" * 32


def entry(key, at, *, step="validate", state="done", fence=2, checked=None):
    identity = {"inputs": {"checked": checked}}
    return Entry(key, "flights", step, "2013-11-01", identity, state, fence, 1, "h", at, at, at, {}, None)


SUPERSEDED, CURRENT = entry(OLD, 1.0), entry(NEW, 2.0)
PUBLICATION = entry("cc" * 32, 3.0, step="publish", checked=OLD)


def file_of(key, place="reports", fence=2, step="validate"):
    return CheckFile(place, step, "2013-11-01", key[:12], fence)


@pytest.mark.parametrize(
    ("place", "path", "expected"),
    [
        ("quarantine", f"night=2013-11-01/{OLD[:12]}-2.parquet", ("validate", 2)),
        ("quarantine", f"training=2013-11-01/labels-{OLD[:12]}-2.parquet", ("validate_training", 2)),
        ("reports", f"2013-11-01/checks-{OLD[:12]}-2.html", ("validate", 2)),
        ("reports", f"training-2013-11-01/rows-{OLD[:12]}-2.html", ("validate_training", 2)),
        ("reports", f"training-2013-11-01/{OLD[:12]}/roc.png", ("train", None)),
        ("reports", f"2013-11-01/night-{OLD[:12]}-2.html", ("monitor", 2)),
        ("reports", f"training-2013-11-01/card-{OLD[:12]}-2.html", ("register", 2)),
    ],
)
def test_names_tell_step_partition_key_and_fence(place, path, expected):
    file = read_name(place, path)
    assert (file.step, file.fence) == expected
    assert (file.place, file.partition, file.key) == (place, "2013-11-01", OLD[:12])


@pytest.mark.parametrize("path", ["notes.txt", "2013-11-01/report.html", f"2013-11-01/checks-{OLD}-2.html", "../x"])
def test_other_files_are_none_of_ours(path):
    assert read_name("reports", path) is None
    assert read_name("quarantine", path) is None


@pytest.mark.parametrize("place", ["reports", "quarantine"])
def test_superseded_goes_and_the_newest_stays(place):
    entries = [CURRENT, SUPERSEDED]
    assert why_check_may_go(file_of(OLD, place), entries) == "superseded by a later run"
    assert why_check_may_go(file_of(NEW, place), entries) is None


def test_card_stays_with_its_version_though_another_was_trained_of_the_same_night():
    entries = [dataclasses.replace(each, step="register") for each in (CURRENT, SUPERSEDED)]
    assert why_check_may_go(file_of(OLD, step="register"), entries) is None
    assert why_check_may_go(file_of(OLD, step="register", fence=1), entries) == "written under an older fence"


def test_night_report_of_a_superseded_publication_goes():
    entries = [dataclasses.replace(each, step="monitor") for each in (CURRENT, SUPERSEDED)]
    assert why_check_may_go(file_of(OLD, step="monitor"), entries) == "superseded by a later run"
    assert why_check_may_go(file_of(NEW, step="monitor"), entries) is None


@pytest.mark.parametrize("place", ["reports", "quarantine"])
def test_what_a_publication_counted_on_stays_though_it_was_superseded(place):
    assert why_check_may_go(file_of(OLD, place), [CURRENT, SUPERSEDED, PUBLICATION]) is None


def test_what_a_publication_that_failed_counted_on_may_go():
    failed = dataclasses.replace(PUBLICATION, state="failed")
    assert why_check_may_go(file_of(OLD), [CURRENT, SUPERSEDED, failed]) == "superseded by a later run"


def test_report_of_an_older_fence_goes_and_the_quarantine_of_a_published_night_does_not():
    entries = [SUPERSEDED, PUBLICATION]
    assert why_check_may_go(file_of(OLD, fence=1), entries) == "written under an older fence"
    assert why_check_may_go(file_of(OLD, "quarantine", fence=1), entries) is None


def test_key_that_is_held_or_that_nobody_knows_is_left_alone():
    held = dataclasses.replace(SUPERSEDED, state="claimed")
    assert why_check_may_go(file_of(OLD), [CURRENT, held]) is None
    assert why_check_may_go(file_of("dd" * 32), [CURRENT]) is None


def test_pictures_have_no_fence_and_go_with_their_training():
    trained = [entry(OLD, 1.0, step="train"), entry(NEW, 2.0, step="train")]
    assert why_check_may_go(file_of(OLD, fence=None, step="train"), trained) == "superseded by a later run"
    assert why_check_may_go(file_of(NEW, fence=None, step="train"), trained) is None
