import os
import socket
import threading

import pytest

from nightshift.drill.servers import StreamFault, TcpProxy
from tests.nightshift.drill.servers.listeners import shouter


@pytest.fixture
def server():
    with shouter() as server:
        yield server


@pytest.fixture
def proxy(server):
    with TcpProxy(server.server_address) as proxy:
        yield proxy


def connected(proxy):
    client = socket.create_connection(proxy.address)
    client.settimeout(30)
    return client


def heard_by(client, said):
    """What the server answers; nothing if the connection is cut."""
    try:
        client.sendall(said)
        return client.recv(4096)
    except OSError:
        return b""


def test_bytes_pass_both_ways(proxy, server):
    with connected(proxy) as client:
        assert heard_by(client, b"hello") == b"HELLO"
        assert heard_by(client, b"again") == b"AGAIN"
    assert server.heard == [b"hello", b"again"]


def test_closing_by_the_server_reaches_the_client(proxy):
    with connected(proxy) as client:
        assert heard_by(client, b"bye") == b"BYE"
        assert client.recv(4096) == b""


def test_proxy_that_is_down_cuts_and_refuses_and_comes_back_on_its_port(proxy):
    with connected(proxy) as client:
        assert heard_by(client, b"hello") == b"HELLO"
        proxy.down()
        proxy.down()
        assert heard_by(client, b"hello") == b""
    with pytest.raises(ConnectionRefusedError):
        connected(proxy)
    proxy.up()
    proxy.up()
    with connected(proxy) as client:
        assert heard_by(client, b"hello") == b"HELLO"


def test_nobody_gets_the_port_of_a_proxy_that_is_down(proxy):
    proxy.down()
    with socket.socket() as rival, pytest.raises(OSError, match="in use"):
        rival.bind(proxy.address)


def test_fork_of_the_owner_does_not_keep_a_proxy_up_that_is_down(proxy):
    """As Airflow's workers are: forks that share every open socket."""
    reading, writing = os.pipe()
    with connected(proxy) as client:
        heard_by(client, b"hello")
        child = os.fork()
        if not child:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
        try:
            proxy.down()
            assert heard_by(client, b"hello") == b""
            with pytest.raises(ConnectionRefusedError):
                connected(proxy)
        finally:
            os.close(writing)
            os.close(reading)
            os.waitpid(child, 0)


def test_server_that_is_not_there_cuts_the_client():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with TcpProxy(nobody.getsockname()) as proxy, connected(proxy) as client:
            assert heard_by(client, b"hello") == b""


def test_cut_keeps_the_bytes_from_the_server_once(proxy, server):
    proxy.inject(StreamFault("cut", b"COMMIT"))
    with connected(proxy) as client:
        assert heard_by(client, b"begin") == b"BEGIN"
        assert heard_by(client, b"x COMMIT y") == b""
    with connected(proxy) as client:
        assert heard_by(client, b"COMMIT") == b"COMMIT"
    assert server.heard == [b"begin", b"COMMIT"]


def test_lost_reply_reaches_the_server_alone(proxy, server):
    proxy.inject(StreamFault("reply_lost", b"COMMIT", times=2))
    for _ in range(2):
        with connected(proxy) as client:
            assert heard_by(client, b"COMMIT") == b""
    with connected(proxy) as client:
        assert heard_by(client, b"COMMIT") == b"COMMIT"
    assert server.heard == [b"COMMIT"] * 3


@pytest.mark.parametrize(("kind", "seen"), [("cut", 0), ("reply_lost", 1)])
def test_meanwhile_runs_before_the_client_learns_of_it(proxy, server, kind, seen):
    happened = []
    proxy.inject(StreamFault(kind, b"COMMIT", meanwhile=lambda: happened.append(len(server.heard))))
    with connected(proxy) as client:
        assert heard_by(client, b"COMMIT") == b""
    assert happened == [seen]


def test_during_lets_the_client_go_on_when_nothing_broke(proxy):
    happened = threading.Event()
    proxy.inject(StreamFault("during", b"COMMIT", meanwhile=happened.set))
    with connected(proxy) as client:
        assert heard_by(client, b"COMMIT") == b"COMMIT"
        assert happened.wait(30)


def test_fault_that_is_cleared_does_not_happen(proxy):
    proxy.inject(StreamFault("cut", b"COMMIT", times=None))
    proxy.clear()
    with connected(proxy) as client:
        assert heard_by(client, b"COMMIT") == b"COMMIT"


def test_proxy_leaves_no_connection_and_no_port_behind(server):
    with TcpProxy(server.server_address) as proxy:
        client = connected(proxy)
        heard_by(client, b"hello")
    with client:
        assert heard_by(client, b"hello") == b""
    with socket.socket() as rival:
        rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the cut connection may linger in the kernel
        rival.bind(proxy.address)
