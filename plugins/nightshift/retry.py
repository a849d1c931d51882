"""Which failures are tried again: a dead server is, bad data is not."""

from __future__ import annotations

from collections.abc import Iterator

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from data_checks import DataCheckError
from model_registry import RegistryError
from pipelines.engine.errors import NightshiftError

ROOTS: tuple[type[BaseException], ...] = (NightshiftError, RegistryError, DataCheckError)


def retry_policy() -> ExceptionRetryPolicy:
    """Return the rules: our own errors say of themselves whether trying again can help, others get Airflow's default."""
    again = sorted({path(kind) for root in ROOTS for kind in tree(root) if getattr(kind, "retryable", False)})
    never = [path(root) for root in ROOTS]
    return ExceptionRetryPolicy(
        rules=[
            RetryRule(exception=[*again], action=RetryAction.RETRY, reason="may pass by itself"),
            RetryRule(exception=[*never], action=RetryAction.FAIL, reason="the same input would fail again"),
        ]
    )


def tree(root: type[BaseException]) -> Iterator[type[BaseException]]:
    """Yield a class and everything that inherits from it."""
    yield root
    for kind in root.__subclasses__():
        yield from tree(kind)


def path(kind: type) -> str:
    """Return the dotted import path of a class."""
    return f"{kind.__module__}.{kind.__qualname__}"
