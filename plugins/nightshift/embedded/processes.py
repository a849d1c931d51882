"""Starting, finding and ending operating-system processes, so that none is left behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psutil

from pipelines.engine.home import private_folder, write_privately

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROLE_FILE = Path(__file__).with_name("role.py")
TREE_VARIABLE = "NIGHTSHIFT_TREE"
"""Set in every process of a tree to the tree's name; finds those that made a session of their own."""

_CLOCK_SLACK_SECONDS = 2.0
"""Creation times move when the clock is set; a number is not given away twice in so short a time."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One process, told apart from a later one that got the same number."""

    pid: int
    created: float

    def alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _CLOCK_SLACK_SECONDS
            return same and _lives(process)
        except psutil.Error:
            return False


def identify(pid: int) -> Identity:
    """The identity of a process that runs now."""
    return Identity(pid, psutil.Process(pid).create_time())


def boot_id() -> str:
    """Tells this boot of the machine from others: process numbers mean nothing beyond it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return str(round(psutil.boot_time(), -1))


@dataclass(slots=True)
class Child:
    """One role's process, started by us. `waits`: it was started held, and has not been released."""

    role: str
    process: subprocess.Popen[str]
    log: Path
    waits: bool

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.process.poll() is not None

    def release(self) -> None:
        """Let a held process run."""
        if self.waits and self.process.stdin is not None:
            self.waits = False
            with contextlib.suppress(OSError):  # it died: the next look at it says so
                self.process.stdin.write("go\n")
                self.process.stdin.flush()

    def terminate(self) -> None:
        """Ask it to end. A process that is still held ends because its gate closes."""
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        with contextlib.suppress(OSError):
            self.process.terminate()

    def wait(self, seconds: float) -> bool:
        """Wait for the end; False if it did not come in time."""
        try:
            self.process.wait(max(seconds, 0.0))
        except subprocess.TimeoutExpired:
            return False
        return True


def spawn(role: str, words: Sequence[str], environment: Mapping[str, str], log: Path, *, held: bool = False) -> Child:
    """Start a program in a session of its own, so that Ctrl-C in the terminal reaches only us.

    Linux tells a child that its parent died when the *thread* that started it ends, so that must be the main one.

    Args:
        role: What the process is for.
        words: `airflow` and its arguments, or a module of ours that is run as `python -m` would, and its arguments.
        environment: All of it.
        log: Where its output goes.
        held: Let it import everything and then wait until it is released; for `airflow` alone.

    Raises:
        RuntimeError: called outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("The embedded Airflow must be started from the main thread: its processes end with it.")
    gate = "held" if held else "open"
    command = [sys.executable, "-P", str(ROLE_FILE), str(os.getpid()), gate, *words]
    with _fresh_log(log) as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
            command,
            env=dict(environment),
            stdin=subprocess.PIPE if held else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
    return Child(role, process, log, held)


def _fresh_log(log: Path) -> IO[str]:
    """Open `log` anew, keeping the last one as `<role>.log.1`."""
    private_folder(log.parent)
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))
    return write_privately(log)


def members(sessions: Iterable[int], tree: str) -> list[psutil.Process]:
    """All living processes of a tree, orphans included.

    A process belongs if it is in the session of one of the roles, or carries the tree's name in its environment.
    Both are needed: Airflow overwrites the environment of its workers with a title, and a task may open a session
    of its own.

    Args:
        sessions: process numbers of the roles. The kernel gives none of them away while a member lives.
        tree: the tree's name.
    """
    wanted = set(sessions)

    def belongs(process: psutil.Process) -> bool:
        return _session(process.pid) in wanted or _tree_of(process) == tree

    others = (process for process in psutil.process_iter() if process.pid != os.getpid())
    return [process for process in others if belongs(process) and _lives(process)]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _tree_of(process: psutil.Process) -> str | None:
    try:
        name: str | None = process.environ().get(TREE_VARIABLE)
    except (psutil.Error, OSError):
        return None
    return name


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def kill_members(sessions: Iterable[int], tree: str, *, within: float = 10.0) -> tuple[int, list[str]]:
    """SIGKILL every process of the tree, looking again until none is left.

    Returns:
        how many were killed, and descriptions of those that live on after `within` seconds.
    """
    sessions = set(sessions)
    killed: set[int] = set()
    deadline = time.monotonic() + within
    while left := members(sessions, tree):
        if time.monotonic() > deadline:
            return len(killed), [_describe(process) for process in left]
        for process in left:
            killed.add(process.pid)
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(0.05)
    return len(killed), []


def _describe(process: psutil.Process) -> str:
    try:
        return f"{process.pid} ({' '.join(process.cmdline())[:80]})"
    except psutil.Error:
        return str(process.pid)


def last_lines(log: Path, count: int = 5, *, width: int = 200) -> list[str]:
    """The last `count` lines of a log that are not blank, each cut at `width` characters."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 64 * 1024))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line[:width] for line in text.splitlines() if line.strip()][-count:]
