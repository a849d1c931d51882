"""PostgreSQL ends as in a crash at the moments that hurt, and comes back: whatever was asked happened once.

A proxy watches what the ledger says to the server, and at the chosen words restarts it, or cuts the line.
"""

import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from nightshift.drill.servers import DatabaseServer, StreamFault, TcpProxy
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import Busy, Claimed, Ledger
from pipelines.engine.ledger import database as database_module
from pipelines.engine.ledger.migrate import migrate
from pipelines.engine.run_once import run_once
from tests.pipelines.engine.ledgers import Inside
from tests.pipelines.engine.processes import Race, wait_until
from tests.pipelines.engine.worker import KEYS, key_of

pytestmark = pytest.mark.postgres
PATIENCE = 30
COMMIT = b"COMMIT\0"
CHANGES = (b"INSERT INTO task_keys", b"UPDATE task_keys")  # the deciding statement of each operation


@pytest.fixture(scope="module")
def server():
    """A server that nobody else needs: it is restarted all the time."""
    with DatabaseServer() as server:
        yield server


@pytest.fixture(scope="module")
def template(server):
    name = server.create()
    migrate(server.url(name))
    return name


@pytest.fixture
def database(server, template):
    name = server.create(template=template)
    yield name
    server.drop(name)


@pytest.fixture
def proxy(server):
    with TcpProxy(server.address) as proxy:
        yield proxy


@pytest.fixture
def ledger(server, database, proxy):
    """The ledger, by way of the proxy."""
    return Ledger(server.url(database, port=proxy.port), lease_seconds=3600, patience=PATIENCE)


@pytest.fixture
def witness(server, database):
    """The same ledger, without the proxy."""
    return Ledger(server.url(database), lease_seconds=3600, patience=PATIENCE)


@pytest.fixture
def inside(server, database):
    with Inside(server.url(database)) as door:
        yield door


@pytest.fixture
def claim(witness, key):
    return witness.claim(key, holder="a")


def at_change(proxy, kind, meanwhile):
    """Let something happen at the next deciding statement, whichever it is."""
    for marker in CHANGES:
        proxy.inject(StreamFault(kind, marker, meanwhile=lambda: proxy.clear() or meanwhile()))


def at_its_commit(proxy, kind, meanwhile):
    """Let something happen at the commit of the next deciding statement; commits of mere reads go through."""
    at_change(proxy, "during", lambda: proxy.inject(StreamFault(kind, COMMIT, meanwhile=meanwhile)))


MOMENTS = {
    "before the statement": (at_change, "cut"),
    "during the statement": (at_change, "during"),
    "before the commit": (at_its_commit, "cut"),
    "during the commit": (at_its_commit, "during"),
    "after the commit": (at_its_commit, "reply_lost"),
}


@pytest.fixture(params=MOMENTS)
def trouble(request, server, proxy):
    """Order a restart at a moment of the next operation; what is returned waits until it is over."""
    over = threading.Event()

    def restart():
        server.restart("immediate")
        over.set()

    order, kind = MOMENTS[request.param]
    return lambda: order(proxy, kind, restart) or (lambda: over.wait(PATIENCE))


def names_of(ledger, key):
    return [event.event for event in ledger.history(key.digest)]


def test_claim_has_one_holder(ledger, witness, key, trouble):
    restarted = trouble()
    claim = ledger.claim(key, holder="a")
    assert restarted()
    assert isinstance(claim, Claimed)
    rival = witness.claim(key, holder="b")
    assert rival == Busy(key.digest, claim.fence, "a", rival.seconds_left)
    assert {(event.event, event.holder) for event in witness.history(key.digest)} == {("claimed", "a")}
    ledger.finish(claim, {"rows": 1})
    assert names_of(witness, key).count("finished") == 1


def test_renewed_lease_lasts(ledger, witness, inside, key, claim, trouble):
    inside.end_lease(key.digest)
    restarted = trouble()
    ledger.renew(claim)
    assert restarted()
    assert isinstance(witness.claim(key, holder="b"), Busy)
    assert names_of(witness, key) == ["claimed"]


def test_finish_is_recorded_once(ledger, witness, key, claim, trouble):
    restarted = trouble()
    ledger.finish(claim, {"rows": 7})
    assert restarted()
    assert names_of(witness, key) == ["claimed", "finished"]
    assert witness.claim(key, holder="b").result == {"rows": 7}


@pytest.mark.parametrize(("name", "event", "generation"), [("fail", "failed", 2), ("release", "released", 1)])
def test_try_ends_once(ledger, witness, key, claim, trouble, name, event, generation):
    restarted = trouble()
    getattr(ledger, name)(claim, "because")
    assert restarted()
    assert names_of(witness, key) == ["claimed", event]
    assert witness.entry(key.digest).generation == generation


@pytest.mark.parametrize("fence", [None, 1])
def test_key_is_forced_once(ledger, witness, key, claim, trouble, fence):
    restarted = trouble()
    entry = ledger.force(key.digest, holder="person", reason="late rows", fence=fence)
    assert restarted()
    assert names_of(witness, key) == ["claimed", "forced"]
    assert entry == witness.entry(key.digest)
    assert (entry.state, entry.fence, entry.generation) == ("open", 2, 2)


def test_force_whose_reply_was_lost_does_not_undo_what_came_after_it(ledger, witness, proxy, key, claim):
    def work_goes_on():
        witness.finish(witness.claim(key, holder="next"), {"rows": 7})

    at_its_commit(proxy, "reply_lost", work_goes_on)
    ledger.force(key.digest, holder="person", reason="late rows")
    assert names_of(witness, key) == ["claimed", "forced", "claimed", "finished"]
    assert witness.entry(key.digest).result == {"rows": 7}


def test_work_goes_on_under_its_fence_though_the_server_restarts_between_two_beats(server, database, witness, key):
    ledger = Ledger(server.url(database), lease_seconds=3, patience=PATIENCE)

    def work(hold):
        server.restart("immediate")
        wait_until(lambda: witness.now() > hold.claim.claimed_at + 1.2 * ledger.lease_seconds)
        return {"rival": isinstance(witness.claim(key, holder="rival"), Busy)}

    outcome = run_once(ledger, key, work)
    assert (outcome.result, outcome.fence) == ({"rival": True}, 1)
    assert names_of(witness, key) == ["claimed", "finished"]


def test_worker_that_stops_inside_a_claim_keeps_nobody_from_the_key(ledger, witness, proxy, key, monkeypatch):
    """It was told nothing yet, so it holds nothing; when it goes on, it hears who does."""
    monkeypatch.setattr(database_module, "POSTGRES_PATIENCE_MS", 300)
    stands, goes_on = threading.Event(), threading.Event()

    def stand_still():
        stands.set()
        goes_on.wait(PATIENCE)

    at_its_commit(proxy, "cut", stand_still)
    with ThreadPoolExecutor(2) as pool:
        stopped = pool.submit(ledger.claim, key, holder="stopped")
        assert stands.wait(PATIENCE)
        try:
            claim = pool.submit(witness.claim, key, holder="rival").result(timeout=PATIENCE)
        finally:
            goes_on.set()
        answer = stopped.result(timeout=PATIENCE)
    assert isinstance(claim, Claimed)
    assert answer == Busy(key.digest, claim.fence, "rival", answer.seconds_left)
    assert [(event.event, event.holder) for event in witness.history(key.digest)] == [("claimed", "rival")]


def test_server_that_vanishes_without_a_word_is_noticed_before_a_lease_ends(witness):
    with witness.engine.connect() as connection:
        line = socket.socket(fileno=os.dup(connection.connection.fileno()))
        idle, between, probes = (
            line.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        unanswered_ms = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        line.close()
    assert idle + between * probes < 60
    assert 0 < unanswered_ms < 60_000


def test_of_eight_that_ask_while_the_server_restarts_one_gets_each_key(server, database):
    """Three restarts over forty keys: some asks find no server, some lose it before and some after their commit."""
    keys = [TaskKey(pipeline="flights", step="score", partition=f"2013-11-01#{number}") for number in range(40)]
    together = threading.Barrier(9)

    def ask_for_all(number):
        ledger = Ledger(server.url(database), lease_seconds=3600, patience=PATIENCE)
        together.wait(PATIENCE)
        return [ledger.claim(key, holder=f"holder {number}") for key in keys]

    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(ask_for_all, number) for number in range(8)]
        together.wait(PATIENCE)
        for _ in range(3):
            server.restart("immediate", down_seconds=0.1)
        answers = [asked.result(timeout=4 * PATIENCE) for asked in asking]
    for answers_of_one in zip(*answers, strict=True):
        (winner,) = [answer for answer in answers_of_one if isinstance(answer, Claimed)]
        losers = [answer for answer in answers_of_one if isinstance(answer, Busy)]
        assert {loser.holder for loser in losers} == {winner.holder}
        assert len(losers) == 7


def test_of_eight_processes_one_does_the_work_of_each_key_though_the_server_restarts(
    server, database, witness, tmp_path
):
    with Race("worker.py", ["race", server.url(database)], tmp_path, 8) as race:
        for _ in range(3):
            server.restart("immediate", down_seconds=0.1)
        answers = race.answers().values()
    assert len(answers) == 8
    for key in map(key_of, range(KEYS)):
        assert len((tmp_path / f"effects-{key.partition}").read_text().splitlines()) == 1
        assert names_of(witness, key).count("finished") == 1
        assert {event.holder for event in witness.history(key.digest)} == {witness.entry(key.digest).holder}
