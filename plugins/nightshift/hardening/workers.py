"""Workers: that work is not given to two, that imports are shared, and that clocks agree."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nightshift.hardening.options import Options, variable
from nightshift.hardening.sight import Sight
from nightshift.hardening.values import Check, Fault, NotUsed, Unseen

VISIBILITY_SECONDS = 86_400.0
"""What Airflow's Celery provider takes where nobody says."""
BROKER = "celery_broker_transport_options"
HISTORY_SECONDS = 90 * 86_400.0
MARGIN = 2.0
"""How many times the longest task seen must fit: the next night may be larger."""
SKEW_SECONDS = 5.0
"""Half of the ten seconds that Airflow forgives a token's times ([api_auth] jwt_leeway)."""
CLOCKS_SINCE_SECONDS = 86_400.0
NOT_FOR_WORKERS = {
    "jwt_secret": "a task can sign a token of an administrator with it",
    "fernet_key": "a task can decrypt what it finds of connections with it",
    "api_secret_key": "a task can sign a session of anybody with it",
    "airflow.pgpass": "a task can read and write Airflow's database with it",
    "migrate.pgpass": "a task can change the ledger's tables with it",
    "logins.json": "a task can log in as anybody with it",
}
"""Secrets of the stack, and what a task could do with them. Tokens are signed by the scheduler, and connections decrypted by
the API server; a worker whose keys cannot be read runs tasks as well."""


def judge_acks(options: Options) -> Iterator[Fault]:
    """Whether a task that was taken is given to another worker when its own dies."""
    if options.value("celery", "task_acks_late", "True").lower() not in ("true", "t", "1"):
        yield Fault(
            f"Celery ({variable('celery', 'task_acks_late')})",
            "True",
            "False: a task is lost when its worker dies, until Airflow misses its heartbeat",
            "Take it out",
        )


def _celery(sight: Sight) -> Options:
    if not sight.options.uses_celery:
        raise NotUsed(f"the executor is {sight.options.value('core', 'executor')}")
    return sight.options


@dataclass(frozen=True)
class Patience:
    """How long the broker waits for a task, and how long the longest took; in seconds. None if no task was seen."""

    visibility: float
    longest: float | None


def judge_visibility(patience: Patience) -> Iterator[Fault]:
    """Whether the broker gives a task to a second worker while the first works on it."""
    if patience.longest is None or patience.visibility >= MARGIN * patience.longest:
        return
    yield Fault(
        f"Redis ({variable(BROKER, 'visibility_timeout')})",
        f"at least {MARGIN * patience.longest:.0f} s, twice the longest task of the last 90 days",
        f"{patience.visibility:.0f} s: a longer task is given to a second worker, whose fence stops the first",
        "Set it higher, for example to 86400",
        grave=patience.visibility < patience.longest,
    )


def look_at_visibility(sight: Sight) -> Patience:
    """Read the broker's patience, and the longest task from the ledger."""
    options = _celery(sight)
    if not options.value("celery", "broker_url").startswith(("redis", "sentinel", "sqs")):
        raise NotUsed("only Redis and SQS have a visibility timeout")
    longest = sight.ledger.longest_task_seconds(since=sight.ledger.now() - HISTORY_SECONDS)
    return Patience(options.number(BROKER, "visibility_timeout", VISIBILITY_SECONDS), longest)


def judge_local_settings(text: str | None) -> Iterator[Fault]:
    """Whether `airflow_local_settings.py` preloads modules and refuses DAGs with impossible promises."""
    who = "airflow_local_settings.py, in $AIRFLOW_HOME/config"
    way_out = "Write it as docs/production.md says"
    if text is None:
        yield Fault(who, "that it is there", "it is not: each task imports MLflow and Great Expectations anew", way_out)
        return
    imported, called = _names(text)
    if "nightshift.preload.install" not in imported or "install" not in called:
        yield Fault(who, "install() of nightshift.preload", "it is not called", way_out)
    if "nightshift.policies.dag_policy" not in imported:
        yield Fault(
            who, "dag_policy of nightshift.policies", "it is not imported: impossible promises go unseen", way_out
        )


def _names(text: str) -> tuple[set[str], set[str]]:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return set(), set()
    nodes = list(ast.walk(tree))
    imported = {
        f"{node.module}.{name.name}" for node in nodes if isinstance(node, ast.ImportFrom) for name in node.names
    }
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return imported, called


def look_at_local_settings(sight: Sight) -> str | None:
    """Read the file that Airflow would import in this process."""
    sight.options  # noqa: B018 - Airflow's home is known once it is imported
    from airflow.configuration import AIRFLOW_HOME

    for folder in (Path(AIRFLOW_HOME) / "config", *map(Path, sys.path)):
        with suppress(OSError):
            return (folder / "airflow_local_settings.py").read_text(encoding="utf-8")
    return None


def judge_worker_keys(secrets: Collection[str]) -> Iterator[Fault]:
    """Whether tasks find keys that they have no use for. `secrets`: names of those that a worker gets."""
    for name in sorted(set(secrets) & set(NOT_FOR_WORKERS)):
        yield Fault(
            "airflow-worker in docker/compose.yaml",
            f"that it does not get {name}",
            f"it does: {NOT_FOR_WORKERS[name]}",
            "Take it out of its secrets: a worker runs tasks without it",
        )


def look_at_worker_keys(sight: Sight) -> list[str]:
    """Read which secrets the compose file gives to a worker."""
    from nightshift.hardening.network import COMPOSE, read_compose

    _celery(sight)
    compose = read_compose()
    worker = (compose or {}).get("services", {}).get("airflow-worker")
    if worker is None:
        raise NotUsed(f"there is no airflow-worker in {COMPOSE}")
    return [str(each.get("source") if isinstance(each, Mapping) else each) for each in worker.get("secrets") or ()]


@dataclass(frozen=True)
class Skew:
    """By how many seconds a clock is ahead of the database's, and how far that may be wrong."""

    who: str
    ahead: float
    give_or_take: float = 0.0


def judge_clocks(skews: Sequence[Skew]) -> Iterator[Fault]:
    """Whether clocks agree with the database's. Leases do not depend on it; tokens, signatures and logs do."""
    for skew in skews:
        if abs(skew.ahead) - skew.give_or_take > SKEW_SECONDS:
            way = "ahead of" if skew.ahead > 0 else "behind"
            yield Fault(
                skew.who,
                f"a clock within {SKEW_SECONDS:.0f} s of the database's",
                f"{abs(skew.ahead):.0f} s {way} it",
                "Let its clock be set by NTP: tokens and signed requests are refused when clocks differ",
            )


def look_at_clocks(sight: Sight) -> list[Skew]:
    """Compare this machine, the machines that ran tasks within a day, and the servers that say what time it is."""
    import time

    before = time.time()
    database = sight.ledger.now()
    after = time.time()
    here = (before + after) / 2 - database
    skews = [Skew("this machine", here, (after - before) / 2)]
    told = sight.ledger.clocks(since=database - CLOCKS_SINCE_SECONDS)
    skews += [Skew(f"the worker {clock.machine}", clock.own - clock.at, 1.0) for clock in told]
    for who, path in (("airflow", "/api/v2/monitor/health"), ("mlflow", "/health")):
        with suppress(Unseen, NotUsed):
            answer = sight.get(f"{getattr(sight, who)}{path}")
            if answer.ahead is not None:
                skews.append(Skew(answer.url, answer.ahead + here, 1.0))
    return skews


CHECKS = (
    Check(
        "acks-late",
        "Workers",
        "a dead worker's task is not lost",
        "AIRFLOW__CELERY__TASK_ACKS_LATE",
        _celery,
        judge_acks,
    ),
    Check(
        "visibility-timeout",
        "Workers",
        "no task is given to two workers",
        "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT, NIGHTSHIFT_LEDGER_URL",
        look_at_visibility,
        judge_visibility,
    ),
    Check(
        "preload",
        "Workers",
        "tasks share what was imported, and promises are checked",
        "$AIRFLOW_HOME/config/airflow_local_settings.py",
        look_at_local_settings,
        judge_local_settings,
    ),
    Check(
        "worker-keys",
        "Workers",
        "tasks find no key that they have no use for",
        "docker/compose.yaml",
        look_at_worker_keys,
        judge_worker_keys,
    ),
    Check(
        "clock-skew",
        "Workers",
        "clocks agree",
        "NIGHTSHIFT_LEDGER_URL; what workers told the ledger; the addresses of Airflow and MLflow",
        look_at_clocks,
        judge_clocks,
    ),
)
