from __future__ import annotations

import pytest

from nightshift.stack.definition import Health, Role
from nightshift.stack.readiness import Hopeless, readiness

CHECKED = Role("mlflow", "x", (), health=Health(("true",), interval=10.0, timeout=5.0, retries=4, start_period=30.0))
UNCHECKED = Role("collector", "x", ())
JOB = Role("migrate", "x", (), is_job=True)


def info(state, code=0):
    return {"statename": state, "exitstatus": code}


@pytest.mark.parametrize(
    ("role", "state", "answer"),
    [
        (CHECKED, "STARTING", "wait"),
        (CHECKED, "BACKOFF", "wait"),
        (CHECKED, "RUNNING", "ask"),
        (UNCHECKED, "RUNNING", "ready"),
        (JOB, "RUNNING", "wait"),
        (JOB, "EXITED", "ready"),
    ],
)
def test_who_runs_is_asked_and_who_cannot_be_asked_is_ready(role, state, answer):
    assert readiness(role, info(state), 1.0) == answer


@pytest.mark.parametrize(
    ("role", "state", "code", "waited", "said"),
    [
        (JOB, "EXITED", 3, 1.0, "failed with exit code 3"),
        (JOB, "FATAL", 1, 1.0, "failed with exit code 1"),
        (JOB, "RUNNING", 0, 301.0, "was not done after 301 s"),
        (CHECKED, "FATAL", 1, 1.0, "does not stay alive"),
        (CHECKED, "BACKOFF", 1, 61.0, "does not stay alive"),
        (CHECKED, "RUNNING", 0, 91.0, "was not healthy after 91 s"),
        (UNCHECKED, "STARTING", 0, 121.0, "was not healthy after 121 s"),
    ],
)
def test_waiting_ends_where_it_is_of_no_use(role, state, code, waited, said):
    with pytest.raises(Hopeless, match=said):
        readiness(role, info(state, code), waited)


def test_a_health_check_is_waited_for_as_long_as_the_definition_says():
    assert CHECKED.health is not None
    assert CHECKED.health.patience == 30.0 + 4 * 15.0
    assert readiness(CHECKED, info("RUNNING"), 89.0) == "ask"
