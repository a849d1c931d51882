"""What Prometheus and Alertmanager of the stack see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from nightshift.stack.errors import StackError

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Target:
    """What Prometheus asks.

    Attributes:
        job: Its name in prometheus.yml.
        address: Where.
        health: `up`, `down` or `unknown`.
        error: Why it is down.
    """

    job: str
    address: str
    health: str
    error: str


@dataclass(frozen=True)
class Alert:
    """An alert that Alertmanager holds: its labels, and what it says in a sentence."""

    labels: Mapping[str, str]
    summary: str


def targets(prometheus: str) -> list[Target]:
    """Return what Prometheus asks, and whether it answers.

    Args:
        prometheus: Its address, `http://HOST:9090`.

    Raises:
        StackError: It does not answer.
    """
    found = _ask(f"{prometheus}/api/v1/targets", {"state": "active"})["data"]["activeTargets"]
    return [Target(one["labels"]["job"], one["scrapeUrl"], one["health"], one["lastError"]) for one in found]


def query(prometheus: str, expression: str) -> Sequence[Mapping[str, Any]]:
    """Return the samples that an expression of PromQL has now: each with its `metric` and `value`.

    Raises:
        StackError: Prometheus does not answer, or refuses the expression.
    """
    found: Sequence[Mapping[str, Any]] = _ask(f"{prometheus}/api/v1/query", {"query": expression})["data"]["result"]
    return found


def alerts(alertmanager: str) -> list[Alert]:
    """Return the alerts that are on.

    Args:
        alertmanager: Its address, `http://HOST:9093`.

    Raises:
        StackError: It does not answer.
    """
    found = _ask(f"{alertmanager}/api/v2/alerts", {"active": "true"})
    return [Alert(one["labels"], one["annotations"].get("summary", "")) for one in found]


def _ask(url: str, words: Mapping[str, str]) -> Any:
    try:
        answer = httpx.get(url, params=dict(words), timeout=TIMEOUT_SECONDS, trust_env=False)
    except httpx.HTTPError as error:
        raise StackError(f"{url} does not answer: {error}") from error
    if answer.is_error:
        raise StackError(f"{url} refused {dict(words)!r}: {answer.text[:500]}")
    return answer.json()
