import pytest

from pipelines.engine.errors import UsageError
from pipelines.engine.retention import DEFAULT_RETENTION, parse_retention


@pytest.mark.parametrize(("text", "days"), [("30d", 30), ("6w", 42), ("90", 90), ("7d", 7), (" 7.5d ", 7.5)])
def test_retention_is_days_or_weeks(text, days):
    assert parse_retention(text) == days


def test_default_can_be_used():
    assert parse_retention(DEFAULT_RETENTION) == 30


@pytest.mark.parametrize("text", ["6.9d", "0", "0w"])
def test_retention_that_cannot_be_safe_is_refused_with_the_reason(text):
    with pytest.raises(UsageError, match=r"too short; expected at least 7d\. Until then nights are retried"):
        parse_retention(text)


@pytest.mark.parametrize("text", ["", "-30d", "30m", "forever", "nan", "1e9d", "30d; rm", "99999999d"])
def test_what_is_no_retention_is_refused(text):
    with pytest.raises(UsageError, match="expected days or weeks, such as 30d or 6w"):
        parse_retention(text)
