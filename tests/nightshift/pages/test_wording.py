"""Numbers as people read them."""

from __future__ import annotations

import pytest

from nightshift.pages import wording


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"),
        (0, "0 %"),
        (0.00001, "under 0.01 %"),
        (0.0004, "0.04 %"),
        (0.05, "5 %"),
        (0.1234, "12.3 %"),
        (1, "100 %"),
    ],
)
def test_share_that_is_not_nothing_never_reads_as_nothing(value, said):
    assert wording.share(value) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "–"), (0.008, "8 ms"), (0.3, "0.3 s"), (42.4, "42 s"), (14040, "3 h 54 min"), (-60, "60 s")],
)
def test_duration_says_as_much_as_is_of_use(seconds, said):
    assert wording.duration(seconds) == said


def test_margin_says_early_or_late():
    assert (wording.margin(3600), wording.margin(-600)) == ("60 min early", "10 min late")


def test_numbers_have_their_thousands_apart_and_their_noun():
    assert wording.count(336776) == "336\N{NARROW NO-BREAK SPACE}776"
    assert (wording.counted(1, "night"), wording.counted(2, "night")) == ("1 night", "2 nights")


@pytest.mark.parametrize("value", ["2026-11-20T02:03:04Z", 1795140184.9])
def test_moment_is_an_element_in_utc(value):
    assert wording.moment(value) == (
        '<time datetime="2026-11-20T02:03:04Z" title="2026-11-20 02:03:04 UTC">2026-11-20 02:03:04 UTC</time>'
    )
