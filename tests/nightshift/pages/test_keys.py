"""A key's page: what it stands for, and what happened to it in words."""

from __future__ import annotations

from typing import get_args

import pytest

from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger.values import Event, EventName
from pipelines.engine.views.stories import SENTENCES, sentence

KEY = TaskKey(pipeline="tides", step="score", partition="2024-03-06#0", inputs={"rows": "<b>bold</b>"})


def test_a_key_page_tells_the_story_and_escapes_what_it_tells(viewer, ledger):
    claim = ledger.claim(KEY, holder="<script>alert(1)</script>")
    ledger.fail(claim, "</pre><script>alert(2)</script>")
    answer = viewer.get(f"/nightshift/keys/{KEY.digest}")
    assert answer.status_code == 200
    assert "<script>" not in answer.text
    assert "<b>" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; claimed it" in answer.text
    assert "failed" in answer.text


def test_a_key_is_found_by_its_first_digits(viewer, ledger):
    ledger.finish(ledger.claim(KEY, holder="me"), {"rows": 3})
    answer = viewer.get(f"/nightshift/keys/{KEY.short}")
    assert answer.status_code == 200
    assert "tides / score / 2024-03-06#0" in answer.text


def test_an_unknown_key_is_a_sentence(viewer, ledger):
    answer = viewer.get("/nightshift/keys/abcdef")
    assert answer.status_code == 404
    assert "The ledger has no key abcdef" in answer.text


@pytest.mark.parametrize("digest", ["%00", "%25", "'%20OR%201=1%20--", "..%2f..", "0" * 70, "%F0%9F%8C%99"])
def test_what_can_be_no_key_is_a_sentence(viewer, ledger, digest):
    ledger.claim(KEY, holder="me")
    answer = viewer.get(f"/nightshift/keys/{digest}")
    assert answer.status_code == 404
    assert KEY.digest not in answer.text


def test_first_digits_of_two_keys_are_a_sentence(viewer, ledger):
    for number in range(20):
        ledger.claim(TaskKey(pipeline="tides", step="score", partition=str(number)), holder="me")
    shared = next(digit for digit in "0123456789abcdef" if _count(ledger, digit) > 1)
    answer = viewer.get(f"/nightshift/keys/{shared}")
    assert answer.status_code == 404
    assert "begins more than one key" in answer.text


def _count(ledger, digit):
    return sum(entry.key.startswith(digit) for entry in ledger.entries())


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


def test_a_result_may_hold_any_names(viewer, ledger):
    ledger.finish(ledger.claim(KEY, holder="{0}"), {"holder": "somebody", "reason": "{x}"})
    page = viewer.get(f"/nightshift/keys/{KEY.digest}").text
    assert "{0} finished it" in page
    assert "&#34;somebody&#34;" in page


def test_a_publication_that_was_replaced_says_so(viewer, ledger):
    first = TaskKey(pipeline="tides", step="publish", partition="2024-03-06", inputs={"scores": "one"})
    second = TaskKey(pipeline="tides", step="publish", partition="2024-03-06", inputs={"scores": "two"})
    for key in (first, second):
        ledger.finish(ledger.claim(key, holder="me"), {})
    assert f"superseded by {second.short}" in viewer.get(f"/nightshift/keys/{first.digest}").text
    assert "superseded" not in viewer.get(f"/nightshift/keys/{second.digest}").text


def test_moments_are_elements_in_utc_which_the_browser_shows_in_the_viewers_zone(viewer, ledger):
    ledger.claim(KEY, holder="me")
    page = viewer.get(f"/nightshift/keys/{KEY.digest}").text
    assert page.count('<td><time datetime="20') == 1
    assert 'Z" title="20' in page
