"""Times as people type them."""

import pytest

from pipelines.engine.durations import parse_duration
from pipelines.engine.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("1.5 h", 5400), ("3d", 259_200), ("1W", 604_800)],
)
def test_durations_are_read(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "two hours", "-1h", "0m", "1h foo", "1e9s", "1h-30m"])
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match="such as 30m"):
        parse_duration(text)
