"""`up`, `down` and `running`: the embedded Airflow, owned by a detached supervisor."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from nightshift.embedded import errors
from nightshift.embedded.failure import died
from nightshift.embedded.keys import load_or_make_keys
from nightshift.embedded.layout import Layout
from nightshift.embedded.ports import choose
from nightshift.embedded.processes import kill_members
from nightshift.embedded.state import State, is_owned, read_state
from nightshift.embedded.tree import EXIT_GRACE_SECONDS, START_TIMEOUT_SECONDS, TASK_GRACE_SECONDS
from pipelines.engine.home import private_folder, write_privately

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Progress = Callable[[str], None]

SUPERVISOR = "supervisor"
_POLL_SECONDS = 0.1
_STOP_SECONDS = TASK_GRACE_SECONDS + 2 * EXIT_GRACE_SECONDS + 15.0


@dataclass(frozen=True, slots=True)
class Running:
    """An Airflow that runs in the background.

    `already`: it ran before it was asked for; `roles`: its processes; `login`: it asks for a name and a password.
    """

    url: str
    pid: int
    logs: Path
    healthy: bool
    already: bool = False
    roles: frozenset[str] = frozenset()
    login: bool = False


@dataclass(frozen=True, slots=True)
class Stopped:
    """What `down` found: whether anything ran, and how many processes had to be killed after their owner was gone."""

    was_running: bool
    killed: int = 0


def up(
    home: Path,
    repository: Path,
    *,
    port: int | None = None,
    parallelism: int = 2,
    extra: Mapping[str, str] | None = None,
    login: bool = False,
    companions: Mapping[str, Sequence[str]] | None = None,
    on_progress: Progress = lambda _: None,
    timeout: float = START_TIMEOUT_SECONDS + 60.0,
) -> Running:
    """Start Airflow in the background and wait until it is healthy. One that runs already is returned as it is.

    Ctrl-C while waiting stops what was started.

    Raises:
        EmbeddedError: it could not start; the message of the process that failed.
    """
    layout = Layout(home, repository)
    if is_owned(layout):
        return _await(layout, None, on_progress, timeout)
    choose(port)  # here, where the answer is immediate
    told = {"extra": dict(extra or {}), "companions": {role: list(words) for role, words in (companions or {}).items()}}
    supervisor = _start_supervisor(layout, port=port, parallelism=parallelism, login=login, told=told)
    try:
        return _await(layout, supervisor, on_progress, timeout)
    except BaseException:
        with contextlib.suppress(OSError):
            supervisor.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            supervisor.wait(_STOP_SECONDS)
        raise


def down(home: Path, repository: Path, on_progress: Progress = lambda _: None) -> Stopped:
    """Stop the Airflow of `home`, and make sure that no process of it is left. Nothing to stop is no error.

    Raises:
        StopFailed: a process survived SIGKILL.
    """
    layout = Layout(home, repository)
    state = read_state(layout.state)
    while state is None and is_owned(layout):  # an owner that has just begun, and writes it at once
        time.sleep(_POLL_SECONDS)
        state = read_state(layout.state)
    if state is None:
        return Stopped(was_running=False)
    was_running = state.owner.alive() and is_owned(layout)
    if was_running:
        on_progress("stopping Airflow")
        _end_owner(state)
    killed, left = kill_members(state.sessions(), state.tree)
    if left:
        raise errors.StopFailed(f"These processes could not be ended: {', '.join(left)}.\nDo: end them by hand.")
    layout.state.unlink(missing_ok=True)
    return Stopped(was_running=was_running or killed > 0, killed=killed)


def running(home: Path, repository: Path) -> Running | None:
    """The Airflow that runs for `home` now, in the background or in another terminal; None if there is none."""
    layout = Layout(home, repository)
    state = read_state(layout.state)
    if state is None or not is_owned(layout) or not state.owner.alive():
        return None
    return _running(layout, state, already=True)


def _running(layout: Layout, state: State, *, already: bool) -> Running:
    roles = frozenset(state.roles)
    return Running(state.url, state.owner.pid, layout.logs, state.healthy, already, roles, state.login)


def _start_supervisor(
    layout: Layout, *, port: int | None, parallelism: int, login: bool, told: Mapping[str, object]
) -> subprocess.Popen[str]:
    private_folder(layout.logs)
    load_or_make_keys(layout.secrets)  # a damaged file is said here
    command = [sys.executable, "-m", "nightshift.embedded.supervisor"]
    command += ["--home", str(layout.home), "--repository", str(layout.repository), "--parallelism", str(parallelism)]
    command += ["--port", str(port)] if port is not None else []
    command += ["--login"] if login else []
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    with write_privately(layout.role_log(SUPERVISOR)) as log:
        supervisor = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
    if supervisor.stdin is not None:
        with supervisor.stdin as stdin, contextlib.suppress(OSError):
            stdin.write(json.dumps(told) + "\n")  # may hold secrets: not on the command line
    return supervisor


def _await(layout: Layout, supervisor: subprocess.Popen[str] | None, on_progress: Progress, timeout: float) -> Running:
    """Wait until the tree is healthy, telling its phases. `supervisor` is None if somebody else started it."""
    deadline = time.monotonic() + timeout
    told = ""
    while time.monotonic() < deadline:
        state = read_state(layout.state)
        ended = supervisor.poll() is not None if supervisor else not is_owned(layout)
        if state and state.healthy and state.owner.alive():
            already = supervisor is None or state.owner.pid != supervisor.pid
            return _running(layout, state, already=already)
        if ended:
            if supervisor is not None and is_owned(layout):  # another `up` was quicker
                return _await(layout, None, on_progress, deadline - time.monotonic())
            raise _failure(layout, state, supervisor)
        if state and state.phase != told:
            told = state.phase
            on_progress(told)
        time.sleep(_POLL_SECONDS)
    raise errors.StartFailed(f"Airflow was not healthy after {timeout:.0f} s.\nDo: read the logs in {layout.logs}")


def _failure(layout: Layout, state: State | None, supervisor: subprocess.Popen[str] | None) -> errors.EmbeddedError:
    """The error that ended the supervisor, as it was raised there."""
    ours = state is not None and supervisor is not None and state.owner.pid == supervisor.pid
    if state is not None and state.error and (ours or supervisor is None):
        kind = getattr(errors, state.error_kind or "", errors.StartFailed)
        return kind(state.error) if issubclass(kind, errors.EmbeddedError) else errors.StartFailed(state.error)
    code = supervisor.returncode if supervisor else None
    return errors.StartFailed(died(SUPERVISOR, code, layout.role_log(SUPERVISOR)))


def _end_owner(state: State) -> None:
    """SIGTERM to the owner, SIGKILL if it does not follow; its children die with it."""
    with contextlib.suppress(psutil.Error):
        owner = psutil.Process(state.owner.pid)
        owner.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        while state.owner.alive() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        if state.owner.alive():
            owner.kill()
