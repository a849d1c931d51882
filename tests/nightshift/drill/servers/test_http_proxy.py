import socket

import httpx
import pytest

from nightshift.drill.servers import Fault, HttpProxy, ServerFailed
from tests.nightshift.drill.servers.listeners import keeper
from tests.pipelines.engine.processes import wait_until


@pytest.fixture
def server():
    with keeper() as server:
        yield server


@pytest.fixture
def proxy(server):
    with HttpProxy(server.server_address) as proxy:
        yield proxy


@pytest.fixture
def client(proxy):
    with httpx.Client(base_url=proxy.url, trust_env=False, timeout=30) as client:
        yield client


def test_requests_and_answers_pass_unchanged(proxy, server, client):
    answer = client.put("/a%20b?x=1", content=b"body", headers={"Host": "elsewhere", "If-None-Match": "*"})
    assert answer.status_code == 201
    method, path, headers, body = server.heard[0]
    assert (method, path, body) == ("PUT", "/a%20b?x=1", b"body")
    assert headers["Host"] == "elsewhere"
    assert headers["If-None-Match"] == "*"
    assert client.get("/a%20b?x=1").content == b"body"


def test_body_in_chunks_passes_whole(server, client):
    assert client.put("/a", content=iter([b"bo", b"dy"])).status_code == 201
    assert server.kept == {"/a": b"body"}


def test_head_has_the_length_and_no_body(client):
    client.put("/a", content=b"body")
    answer = client.head("/a")
    assert (answer.status_code, answer.headers["Content-Length"], answer.content) == (200, "4", b"")


def test_client_that_asks_before_it_sends_is_told_to(proxy, server):
    with socket.create_connection(proxy.address, timeout=30) as client:
        client.sendall(b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 100")
        client.sendall(b"body")
        assert client.recv(4096).startswith(b"HTTP/1.1 201")
    assert server.kept == {"/a": b"body"}


def test_what_was_asked_is_remembered(proxy, client):
    client.put("/t/_delta_log/0%2E.json", content=b"1", headers={"If-None-Match": "*"})
    client.get("/t/none")
    commit, missing = proxy.exchanges
    assert (commit.method, commit.path, commit.status, commit.fault) == ("PUT", "/t/_delta_log/0..json", 201, None)
    assert commit.headers["if-none-match"] == "*"
    assert (missing.method, missing.status) == ("GET", 404)
    assert proxy.asked("PUT", r"_delta_log/") == [commit]
    proxy.clear()
    assert proxy.exchanges == []


def test_unavailable_is_answered_without_the_server(proxy, server, client):
    proxy.inject(Fault("unavailable", "PUT", times=2))
    assert [client.put("/a", content=b"x").status_code for _ in range(3)] == [503, 503, 201]
    assert len(server.heard) == 1
    assert [one.status for one in proxy.exchanges] == [503, 503, 201]


def test_cut_request_does_not_reach_the_server(proxy, server, client):
    proxy.inject(Fault("cut"))
    with pytest.raises(httpx.TransportError):
        client.put("/a", content=b"x")
    assert server.heard == []
    assert [(one.status, one.fault) for one in proxy.exchanges] == [(None, "cut")]


def test_request_that_is_cut_midway_reaches_the_server_by_half(proxy, server, client):
    proxy.inject(Fault("cut_midway"))
    with pytest.raises(httpx.TransportError):
        client.put("/a", content=b"12345678")
    wait_until(lambda: server.heard)
    assert [(heard[0], heard[3]) for heard in server.heard] == [("half", b"1234")]
    assert server.kept == {}


def test_request_whose_reply_is_lost_was_done(proxy, server, client):
    proxy.inject(Fault("reply_lost"))
    with pytest.raises(httpx.TransportError):
        client.put("/a", content=b"x")
    assert server.kept == {"/a": b"x"}
    assert [(one.status, one.fault) for one in proxy.exchanges] == [(201, "reply_lost")]


def test_slow_request_is_done_though_its_client_has_gone(proxy, server, client):
    proxy.inject(Fault("slow", seconds=0.3))
    with pytest.raises(httpx.ReadTimeout):
        client.put("/a", content=b"x", timeout=0.1)
    assert server.kept == {}
    wait_until(lambda: server.kept)
    assert server.kept == {"/a": b"x"}


def test_fault_happens_to_the_requests_that_it_names(proxy, client):
    proxy.inject(Fault("unavailable", "PUT", r"_log/\d+ x$", times=None))
    statuses = [
        client.put("/_log/1%20x").status_code,
        client.put("/other").status_code,
        client.get("/_log/1 x").status_code,
    ]
    assert statuses == [503, 201, 404]


def test_fault_that_was_ordered_first_happens_first(proxy, client):
    proxy.inject(Fault("cut", "PUT"), Fault("unavailable"))
    assert client.get("/a").status_code == 503
    with pytest.raises(httpx.TransportError):
        client.put("/a", content=b"x")


def test_proxy_that_is_down_refuses_and_comes_back_on_its_port(proxy, client):
    proxy.down()
    with pytest.raises(httpx.ConnectError):
        client.get("/a")
    proxy.up()
    assert client.get("/a").status_code == 404


def test_server_that_is_not_there_cuts_the_client():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with HttpProxy(nobody.getsockname()) as proxy:
            with pytest.raises(httpx.TransportError):
                httpx.get(proxy.url, trust_env=False)
            assert [one.status for one in proxy.exchanges] == [None]


def test_what_is_not_http_is_cut(proxy):
    with socket.create_connection(proxy.address, timeout=30) as client:
        client.sendall(b"\x16\x03\x01 let us speak TLS\r\n\r\n")
        assert client.recv(4096) == b""


def test_proxy_that_has_ended_says_so(server):
    with HttpProxy(server.server_address) as proxy:
        proxy.down()
    with pytest.raises(ServerFailed, match="has ended"):
        proxy.up()
    with pytest.raises(ServerFailed, match="not running"):
        HttpProxy(server.server_address).up()
