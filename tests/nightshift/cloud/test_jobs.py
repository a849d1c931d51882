"""Names that both clouds take, and what follows from a job's state."""

from __future__ import annotations

import re

import pytest

from nightshift.cloud.errors import CloudRefused, CloudUnavailable, JobFailed, JobRunning
from nightshift.cloud.jobs import Job, asking, finite, is_refusal, job_name, result_of

KEY = "0123456789abcdef" * 4
AT_AMAZON = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
LABEL_AT_GOOGLE = re.compile(r"[a-z0-9_-]{0,63}")


@pytest.mark.parametrize("pipeline", ["tides", "a", "late_parcels_", "x" * 200, "a_" * 60, "abcdefghijklmnopqrstu_v"])
@pytest.mark.parametrize("generation", [1, 12, 100_000])
def test_name_is_valid_at_both_clouds_and_says_key_and_generation(pipeline, generation):
    name = job_name(pipeline, KEY, generation)
    assert AT_AMAZON.fullmatch(name)
    assert LABEL_AT_GOOGLE.fullmatch(name)
    assert name.endswith(f"-{KEY[:24]}-g{generation}")


def test_name_is_read_at_a_glance():
    assert job_name("late_parcels", KEY, 2) == "nightshift-late-parcels-0123456789abcdef01234567-g2"


def job(state, reason="no tides"):
    return Job("j", "id", state, "Word", reason, "https://console/j", {"model": "s3://m"})


def test_outcome_of_a_job_follows_from_its_state():
    assert result_of(job("succeeded"), 1) == {"job": "j", "console": "https://console/j", "model": "s3://m"}
    with pytest.raises(JobRunning, match=r"waiting for job j \(Word\): https://console/j"):
        result_of(job("running"), 1)
    with pytest.raises(JobFailed, match=r"(?s)job j ended as Word: no tides\n.*https://console/j\n.*generation 4"):
        result_of(job("failed"), 3)
    with pytest.raises(JobFailed, match="the cloud gives no reason"):
        result_of(job("failed", reason=""), 3)


def test_only_the_end_of_a_job_ends_its_generation():
    ends = {kind: kind.ends_generation for kind in (JobRunning, JobFailed, CloudRefused, CloudUnavailable)}
    assert [kind for kind, ended in ends.items() if ended is not False] == [JobFailed]


@pytest.mark.parametrize("status", [400, 403, 404, 412])
def test_refusals_are_refusals(status):
    assert is_refusal(status)


@pytest.mark.parametrize("status", [200, 401, 408, 409, 429, 500, 503])
def test_what_may_pass_is_no_refusal(status):
    assert not is_refusal(status)


@pytest.mark.parametrize(("refused", "kind"), [(True, CloudRefused), (False, CloudUnavailable)])
def test_error_of_a_cloud_comes_out_in_our_words_with_the_question_and_the_answer(refused, kind):
    with (
        pytest.raises(kind, match=r"asked the moon for tides, and .*: RuntimeError: no"),
        asking("the moon for tides", lambda error: refused),
    ):
        raise RuntimeError("no")


def test_error_that_speaks_our_words_already_is_left_alone():
    with pytest.raises(CloudRefused, match=r"^no$"), asking("x", lambda error: False):
        raise CloudRefused("no")


def test_metrics_that_json_has_no_word_for_are_left_out():
    assert finite({"auc": 0.5, "loss": float("nan"), "norm": float("-inf")}) == {"auc": 0.5}
