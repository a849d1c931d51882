"""Times as people type and read them."""

import pytest

from pipelines.engine.durations import duration, parse_duration
from pipelines.engine.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("1.5 h", 5400), ("3d", 259_200), ("1W", 604_800), ("90min", 5400)],
)
def test_durations_are_read(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "two hours", "-1h", "0m", "1h foo", "1e9s", "1h-30m"])
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match="such as 30m"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (89, "89 s"),
        (840, "14 min"),
        (-840, "14 min"),
        (7500, "2 h 05 min"),
        (7200, "2 h"),
        (270_000, "3 d 3 h"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds, said):
    assert duration(seconds) == said
