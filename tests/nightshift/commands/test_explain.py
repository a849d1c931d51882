"""`nightshift explain`: why a key stands as it does."""

from __future__ import annotations

import dataclasses
import json

from pipelines.engine.keys import TaskKey
from tests.nightshift.commands.houses import FAILED, GOOD, TWICE
from tests.pipelines.engine.steps.places import _suites

__all__ = ["_suites"]


def test_finished_work_says_that_it_is_not_done_twice(nightshift):
    shown = nightshift("explain", "tides", GOOD, "publish").stdout
    assert f"publishing night {GOOD}" in shown
    assert "that is why a second run skips it" in shown
    assert "Readers see this publication now" in shown


def test_superseded_publication_names_what_took_its_place_and_why(nightshift):
    keys = json.loads(nightshift("keys", "list", "tides", "--step", "publish", "--night", TWICE, "--json").stdout)
    new, old = keys
    shown = nightshift("explain", old["key"][:12]).stdout
    assert f"Readers do not see it any more: key {new['key'][:12]} took its place" in shown
    assert "the rows were checked anew; the scores are other ones" in shown
    newer = nightshift("explain", "tides", TWICE, "validate").stdout
    assert "the delivered rows are other ones" in newer


def test_refused_night_says_why_and_what_to_do(nightshift):
    shown = nightshift("explain", "tides", "last", "validate").stdout
    assert "200 of 300 rows were refused" in shown
    assert f"nightshift score tides {FAILED}" in shown


def test_step_that_has_not_begun_says_what_it_waits_for(nightshift):
    shown = nightshift("explain", "tides", FAILED, "publish").stdout
    assert f"publish of tides {FAILED} has not begun" in shown
    assert "It waits for validate, which failed: TooManyRefused" in shown
    assert "See why: nightshift explain" in shown


def test_held_key_says_by_whom_and_until_when(home, nightshift):
    key = TaskKey(pipeline="tides", step="plan", partition=FAILED)
    home.ledger.claim(key, holder="a-far-machine:17")
    shown = nightshift("explain", key.short).stdout
    assert "a-far-machine:17 works on it since" in shown
    assert "Whoever asks meanwhile waits" in shown


def test_holder_that_was_not_heard_of_is_taken_over_and_both_is_said(home, nightshift):
    key = TaskKey(pipeline="tides", step="plan", partition=FAILED)
    ledger = type(home.ledger)(home.settings.ledger_url, lease_seconds=0.0)
    ledger.claim(key, holder="a-dead-machine:17")
    assert "whoever asks next takes it over" in nightshift("explain", key.short).stdout
    ledger.claim(key, holder="a-far-machine:18")
    assert "It was taken over once: a-dead-machine:17 was not heard of" in nightshift("explain", key.short).stdout


def test_key_that_was_opened_on_purpose_says_by_whom_and_why(nightshift):
    [key] = json.loads(nightshift("keys", "list", "tides", "--step", "monitor", "--night", GOOD, "--json").stdout)
    nightshift("keys", "force", key["key"], "--reason", "look again")
    shown = nightshift("explain", key["key"]).stdout
    assert "opened it again on purpose" in shown
    assert "look again" in shown


def test_another_parameter_is_shown_with_both_values(home, nightshift):
    key = TaskKey(pipeline="tides", step="best", partition=GOOD, parameters={"metric": "roc_auc"})
    for one in (key, dataclasses.replace(key, parameters={"metric": "log_loss"})):
        home.ledger.finish(home.ledger.claim(one, holder="me"), {})
    explained = json.loads(nightshift("explain", one.digest, "--json").stdout)
    assert explained["other"] == ["the parameter metric is another one (roc_auc before, log_loss now)"]


def test_what_is_not_there_is_answered_with_what_is(nightshift):
    assert "no key that begins with 'ffffffffffff'" in nightshift("explain", "ffffffffffff", code=2).stderr
    assert "nightshift explain tides NIGHT STEP" in nightshift("explain", "tides", code=2).stderr
    assert "expected a KEY, or PIPELINE NIGHT STEP" in nightshift("explain", "tides", GOOD, code=2).stderr
    assert "Did you mean 'publish'?" in nightshift("explain", "tides", GOOD, "publsh", code=2).stderr
    assert "Did you mean 'tides'?" in nightshift("explain", "tide", GOOD, "publish", code=2).stderr
    assert (
        "nightshift train tides --as-of"
        in nightshift("explain", "tides", GOOD.replace("2024", "2023"), "train", code=2).stderr
    )
