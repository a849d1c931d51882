"""One key's page: every kind of event has its sentence."""

from __future__ import annotations

from typing import get_args

import pytest

from nightshift.key_page import render_key
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger.store import Ledger
from pipelines.engine.ledger.values import Event, EventName
from pipelines.engine.views.stories import SENTENCES, sentence

KEY = TaskKey(pipeline="tides", step="publish", partition="2024-03-06")


def test_every_event_has_a_sentence():
    assert set(SENTENCES) == set(get_args(EventName))


@pytest.mark.parametrize(
    ("event", "detail", "said"),
    [
        ("claimed", {}, "worker claimed it"),
        ("taken_over", {"from": "old"}, "worker took it over, because the lease of old had run out"),
        ("finished", {"rows": 3}, "worker finished it"),
        ("failed", {"reason": "RowsMissing: none"}, "worker failed: RowsMissing: none"),
        ("released", {"reason": "MLflow"}, "worker gave it back unfinished: MLflow"),
        ("forced", {"reason": "again"}, "worker opened it again on purpose: again"),
    ],
)
def test_events_are_told_in_words(event, detail, said):
    assert sentence(Event("k", 0.0, event, 1, 1, "worker", detail)) == said


def test_a_result_may_hold_any_names(sqlite_ledger_url):
    ledger = Ledger(sqlite_ledger_url)
    ledger.finish(ledger.claim(KEY, holder="{0}"), {"holder": "somebody", "reason": "{x}"})
    page = render_key(ledger.entry(KEY.digest), ledger.history(KEY.digest))
    assert "{0} finished it" in page
    assert "&#34;somebody&#34;" in page


def test_a_superseded_key_says_so_on_its_page(sqlite_ledger_url):
    ledger = Ledger(sqlite_ledger_url)
    ledger.claim(KEY, holder="me")
    page = render_key(ledger.entry(KEY.digest), [], "superseded by 0123 at noon")
    assert "superseded by 0123 at noon" in page


def test_times_are_utc(sqlite_ledger_url):
    ledger = Ledger(sqlite_ledger_url)
    ledger.claim(KEY, holder="me")
    page = render_key(ledger.entry(KEY.digest), ledger.history(KEY.digest))
    assert page.count("Z</td>") == 1
