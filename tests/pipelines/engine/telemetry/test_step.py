"""Each run of a step tells how it ended and what it cost, and nobody who listens can change what comes of it."""

import threading

import pytest

from pipelines.engine.errors import FenceLost, KeyBusy, RowsMissing, StorageUnavailable
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import Ledger
from pipelines.engine.run_once import run_once
from pipelines.engine.telemetry import names
from pipelines.engine.telemetry.seam import told_to
from pipelines.engine.telemetry.step import cache_used, phase, ran_by
from tests.pipelines.engine.processes import wait_until
from tests.pipelines.engine.telemetry.listening import Broken, Listener

SHARD = {"rows_in": 10, "rows_scored": 9, "model_version": "3"}


@pytest.fixture
def ledger_url(sqlite_ledger_url):
    return sqlite_ledger_url


@pytest.fixture
def heard():
    listener = Listener()
    with told_to(listener):
        yield listener


def busy_for_a_while(hold=None):
    sum(number * number for number in range(200_000))
    return SHARD


def busy_for_long(hold):
    for _ in range(20):
        busy_for_a_while()
    return {}


def raising(error):
    def work(hold):
        raise error

    return work


def test_step_that_is_done_tells_what_it_did_and_cost(ledger, key, heard):
    run_once(ledger, key, busy_for_a_while)

    [span] = heard.spans
    assert (span.name, span.failed) == ("nightshift.score", False)
    assert span.attributes.keys() <= names.SPAN_ATTRIBUTES.keys()
    told = {name.removeprefix("nightshift."): value for name, value in span.attributes.items()}
    assert (told["pipeline"], told["step"], told["night"], told["shard"]) == ("flights", "score", "2013-11-01", 0)
    assert (told["key"], told["fence"], told["outcome"], told["model_version"]) == (key.digest, 1, "done", "3")
    assert (told["rows_in"], told["rows_scored"], told["cache_hits"]) == (10, 9, 0)
    assert told["cpu_seconds"] > 0
    assert heard.outcomes() == {("flights", "score", "done"): 1}
    assert heard.counted["nightshift.rows", "flights", "score", "scored"] == 9
    assert heard.counted["nightshift.step.cpu_seconds", "flights", "score"] == told["cpu_seconds"]
    assert len(heard.took["nightshift.step.seconds", "flights", "score"]) == 1


def test_step_that_was_done_before_is_told_as_replayed_and_costs_nothing(ledger, key, heard):
    run_once(ledger, key, busy_for_a_while)
    run_once(ledger, key, raising(AssertionError("done before")))

    assert heard.outcomes() == {("flights", "score", "done"): 1, ("flights", "score", "replayed"): 1}
    assert heard.spans[1].attributes["nightshift.fence"] == 1
    assert "nightshift.cpu_seconds" not in heard.spans[1].attributes
    assert heard.counted["nightshift.rows", "flights", "score", "scored"] == 9
    assert len(heard.took["nightshift.step.seconds", "flights", "score"]) == 1


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (RowsMissing("no rows"), "refused"),
        (StorageUnavailable("away"), "failed"),
        (ZeroDivisionError(), "failed"),
        (FenceLost("overtaken"), "fence_lost"),
        (KeyboardInterrupt(), "failed"),
    ],
)
def test_step_that_raises_is_told_by_how_it_ended(ledger, key, heard, error, outcome):
    with pytest.raises(type(error)):
        run_once(ledger, key, raising(error))

    assert heard.outcomes() == {("flights", "score", outcome): 1}
    assert heard.spans[0].failed
    assert heard.counted["nightshift.rows", "flights", "score", "in"] == 0


def test_whoever_finds_a_key_held_has_not_failed(ledger, key, heard):
    ledger.claim(key, holder="somebody")

    with pytest.raises(KeyBusy):
        run_once(ledger, key, busy_for_a_while)

    assert heard.outcomes() == {}
    assert not heard.spans[0].failed


def test_log_lines_of_a_step_and_of_its_heartbeat_carry_whose_they_are(ledger_url, key, heard):
    bound = []

    def work(hold):
        bound.append(dict(heard.bound))
        return {}

    run_once(Ledger(ledger_url), key, work)

    assert bound[0].keys() == names.LOG_FIELDS.keys()
    assert (bound[0]["night"], bound[0]["key"], bound[0]["fence"]) == ("2013-11-01", key.digest, 1)
    assert heard.bound == {}


def test_heartbeat_runs_among_the_fields_of_its_step(ledger_url, key, monkeypatch):
    import structlog

    from nightshift.telemetry.json_logs import LogFields

    ledger, seen = Ledger(ledger_url, lease_seconds=0.3), []

    def renewed(claim):
        seen.append((threading.current_thread().name, structlog.contextvars.get_contextvars()))

    def work(hold):
        wait_until(lambda: seen)
        return {}

    monkeypatch.setattr(ledger, "renew", renewed)
    with told_to(LogFields()):
        run_once(ledger, key, work)
    thread, fields = seen[0]
    assert thread.startswith("lease-")
    assert fields["key"] == key.digest


@pytest.mark.parametrize("enters", [True, False])
def test_listener_that_breaks_fails_no_step(ledger, key, enters):
    def work(hold):
        cache_used("models", hit=True)
        with phase("score.rows"):
            return SHARD

    with told_to(Broken(enters=enters)):
        assert run_once(ledger, key, work).result == SHARD
        assert not run_once(ledger, key, work).fresh
        other = TaskKey(pipeline="flights", step="score", partition="2013-11-02#0")
        with pytest.raises(ZeroDivisionError):
            run_once(ledger, other, raising(ZeroDivisionError()))


def test_what_was_there_already_is_counted_for_the_step_that_looked(ledger, key, heard):
    def work(hold):
        for hit in (True, True, False):
            cache_used("copies", hit=hit)
        return SHARD

    cache_used("copies", hit=True)  # no step runs
    run_once(ledger, key, work)

    assert heard.counted["nightshift.cache", "flights", "copies", "hit"] == 2
    assert heard.counted["nightshift.cache", "flights", "copies", "miss"] == 1
    assert heard.spans[0].attributes["nightshift.cache_hits"] == 2


def test_step_within_a_step_pays_for_itself(ledger, key, heard):
    inner = TaskKey(pipeline="flights", step="compile", partition="2013-11-01")

    def work(hold):
        run_once(ledger, inner, busy_for_long)
        return SHARD

    run_once(ledger, key, work)

    assert [(span.name, span.parent) for span in heard.spans] == [
        ("nightshift.score", None),
        ("nightshift.compile", "nightshift.score"),
    ]
    outer, compiled = ledger.entry(key.digest).cost, ledger.entry(inner.digest).cost
    assert outer.cpu_seconds < compiled.cpu_seconds / 2


def test_parts_of_a_step_are_spans_below_it(ledger, key, heard):
    def work(hold):
        with phase("score.rows"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_once(ledger, key, work)
    assert [(span.name, span.parent, span.failed) for span in heard.spans] == [
        ("nightshift.score", None, True),
        ("nightshift.score.rows", "nightshift.score", True),
    ]


def test_work_that_ran_in_a_cluster_has_no_known_cost(ledger, key, heard):
    def work(hold):
        ran_by("spark")
        return busy_for_a_while()

    run_once(ledger, key, work)

    assert ledger.entry(key.digest).cost.to_json() == {"elsewhere": "spark"}
    assert heard.spans[0].attributes["nightshift.engine"] == "spark"
    assert heard.counted["nightshift.step.cpu_seconds", "flights", "score"] == 0


def test_nobody_listens_by_default_and_the_cost_is_kept_all_the_same(ledger, key):
    run_once(ledger, key, busy_for_a_while)
    assert ledger.entry(key.digest).cost.cpu_seconds > 0
