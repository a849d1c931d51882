"""Which failures Airflow tries again: what each error class says of itself."""

from __future__ import annotations

import pytest
from airflow.sdk import ExceptionRetryPolicy, RetryAction

import data_checks.errors
import model_registry.errors
import pipelines.engine.errors
from nightshift.retry import ROOTS, path, retry_policy, tree
from pipelines.flights.sources import FlightsSourceError

MODULES = (pipelines.engine.errors, model_registry.errors, data_checks.errors)
DECLARED = [
    kind
    for module in MODULES
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Exception) and kind.__module__ == module.__name__
]


def decide(error: BaseException) -> RetryAction:
    policy = retry_policy()
    assert isinstance(policy, ExceptionRetryPolicy)
    return policy.evaluate(exception=error, try_number=1, max_tries=3).action


@pytest.mark.parametrize("kind", DECLARED, ids=lambda kind: kind.__name__)
def test_every_error_is_retried_exactly_if_it_says_so(kind):
    expected = RetryAction.RETRY if kind.retryable else RetryAction.FAIL
    assert decide(kind("a sentence")) is expected


def test_the_trees_hold_every_declared_error():
    assert set(DECLARED) <= {kind for root in ROOTS for kind in tree(root)}
    assert {kind.__name__ for kind in DECLARED if kind.retryable} == {
        "EngineUnavailable",
        "FenceLost",
        "KeyBusy",
        "LedgerUnavailable",
        "NotLoggedIn",
        "PublicationConflict",
        "RegistryUnavailable",
        "SourceUnavailable",
        "StorageFailed",
        "StorageFull",
        "StorageUnavailable",
    }


def test_an_error_of_a_use_case_follows_the_class_that_it_inherits_from():
    assert decide(FlightsSourceError("a sentence")) is RetryAction.FAIL


def test_errors_of_others_get_airflow_s_own_rule():
    assert decide(ValueError("not ours")) is RetryAction.DEFAULT


def test_rules_name_classes_by_the_path_that_imports_them():
    assert path(pipelines.engine.errors.DataError) == "pipelines.engine.errors.DataError"
