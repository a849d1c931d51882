from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from dataclasses import replace

import psutil
import pytest

from nightshift.embedded.errors import AlreadyRunning, NoDiskSpace, PortTaken
from nightshift.embedded.failure import check_disk, died, likely_causes
from nightshift.embedded.layout import Layout
from nightshift.embedded.ports import choose, is_free
from nightshift.embedded.processes import (
    ROLE_FILE,
    TREE_VARIABLE,
    Identity,
    boot_id,
    identify,
    kill_members,
    last_lines,
    spawn,
)
from nightshift.embedded.state import Ownership, State, is_owned, read_state, write_state
from tests.nightshift.embedded.trees import eventually

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def taken():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_is_told_with_its_holder_and_what_to_do(taken):
    with pytest.raises(PortTaken, match=rf"(?s)Port {taken} .*process {os.getpid()}.*leave the port out"):
        choose(taken)


def test_no_asked_port_gives_a_free_one():
    assert is_free(choose(None))


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port_is_refused(port):
    with pytest.raises(PortTaken, match="not a port"):
        choose(port)


def test_a_second_owner_is_refused_and_told_where_the_first_listens(tmp_path):
    layout = Layout(tmp_path, tmp_path)
    first, second = Ownership(layout), Ownership(layout)
    first.take()
    write_state(layout.state, a_state())
    with pytest.raises(AlreadyRunning, match=r"(?s)at http://127\.0\.0\.1:1 .*nightshift down"):
        second.take()
    first.give_back()
    second.take()
    second.give_back()


def test_looking_whether_a_home_is_owned_does_not_disturb(tmp_path):
    layout = Layout(tmp_path, tmp_path)
    assert not is_owned(layout)
    owner = Ownership(layout)
    owner.take()
    assert is_owned(layout)
    owner.give_back()
    assert not is_owned(layout)


def a_state() -> State:
    me = identify(os.getpid())
    return State("t", me, "http://127.0.0.1:1", "/clone", boot_id(), roles={"scheduler": me})


def test_a_state_is_read_as_it_was_written(tmp_path):
    write_state(tmp_path / "state.json", a_state())
    assert read_state(tmp_path / "state.json") == a_state()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"roles": []}'])
def test_a_damaged_state_is_no_state(tmp_path, content):
    (tmp_path / "state.json").write_text(content)
    assert read_state(tmp_path / "state.json") is None


def test_sessions_of_an_earlier_boot_are_not_ours():
    assert a_state().sessions() == [os.getpid()]
    assert replace(a_state(), boot="another").sessions() == []


def test_a_number_that_another_process_has_by_now_is_not_ours():
    old = Identity(os.getpid(), identify(os.getpid()).created - 60)
    assert not old.alive()
    assert replace(a_state(), roles={"scheduler": old}).sessions() == []


def test_members_of_a_session_die_though_their_leader_is_gone():
    code = f"import subprocess as s; print(s.Popen({SLEEP!r}, stdout=s.DEVNULL).pid)"
    leader = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True)
    orphan = int(leader.communicate()[0])
    assert psutil.pid_exists(orphan)
    killed, left = kill_members([leader.pid], "no such tree")
    assert (killed, left) == (1, [])
    assert eventually(lambda: not psutil.pid_exists(orphan), 10)


def test_a_process_with_a_session_of_its_own_is_found_by_the_name_of_the_tree():
    process = subprocess.Popen(SLEEP, env={TREE_VARIABLE: "a tree"}, start_new_session=True)
    assert kill_members([], "a tree") == (1, [])
    assert process.wait(10) != 0


def test_a_role_dies_with_its_parent_and_so_does_what_it_forks():
    inner = "import role, os, sys, time; role.die_with_parent(os.getppid()); role.follow_forks(); "
    inner += "child = os.fork(); print(os.getpid() if child else '', flush=True); time.sleep(600)"
    outer = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {inner!r}]); time.sleep(600)"
    environment = os.environ | {"PYTHONPATH": str(ROLE_FILE.parent)}
    parent = subprocess.Popen([sys.executable, "-P", "-c", outer], env=environment, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    parent.stdout.readline()
    family = eventually_family(parent.pid, 2)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert eventually(lambda: not any(identity.alive() for identity in family), 10)


def eventually_family(pid: int, size: int) -> list[Identity]:
    process = psutil.Process(pid)
    assert eventually(lambda: len(process.children(recursive=True)) == size, 10)
    return [identify(child.pid) for child in process.children(recursive=True)]


def test_starting_outside_the_main_thread_is_refused(tmp_path):
    caught = []

    def start():
        try:
            spawn("scheduler", ["scheduler"], {}, tmp_path / "scheduler.log")
        except RuntimeError as error:
            caught.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in caught[0]


def test_the_message_about_a_dead_process_shows_its_log_and_the_likely_cause(tmp_path):
    log = tmp_path / "api-server.log"
    log.write_text("starting\n[Errno 98] error while attempting to bind: address already in use\n")
    message = died("api-server", 1, log)
    assert "ended with exit code 1" in message
    assert "address already in use" in message
    assert "its port was taken meanwhile" in message
    assert str(log) in message


def test_a_process_ended_by_a_signal_is_told_so(tmp_path):
    assert "by signal 9" in died("scheduler", -9, tmp_path / "none.log")


def test_an_unknown_end_names_no_cause():
    assert likely_causes(["something else"]) == []


def test_last_lines_of_a_missing_log_are_none(tmp_path):
    assert last_lines(tmp_path / "none.log") == []


def test_a_full_disk_is_told_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("nightshift.embedded.failure.MIN_FREE_MIB", 2**40)
    with pytest.raises(NoDiskSpace, match=r"(?s)Expected: .*NIGHTSHIFT_HOME"):
        check_disk(tmp_path)
