"""Real processes that work in the sandbox: each a fork of a server that has imported everything heavy before.

The fork server has no threads, so its forks are sound; a worker is a session of its own and dies alone.
"""

from __future__ import annotations

import contextlib
import json
import logging
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any, Protocol

from nightshift.drill.aim import Aim, leave, listener, sign
from nightshift.drill.errors import DrillFailed
from nightshift.drill.sabotage import Sabotage
from nightshift.preload import MODULES

log = logging.getLogger(__name__)
Job = Callable[..., Any]
PATIENCE_SECONDS = 180.0
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Outcome:
    """How a worker ended.

    Attributes:
        code: Its exit code; negative for the signal that killed it.
        result: What its job returned, as JSON.
        error: The name of the exception that ended the job, or empty.
        text: What the exception said.
        retryable: Whether Airflow would try again.
        log: What it logged.
    """

    code: int
    result: Any = None
    error: str = ""
    text: str = ""
    retryable: bool = False
    log: str = ""

    @property
    def worked(self) -> bool:
        """Whether the job came to its end."""
        return self.code == 0 and not self.error

    def __str__(self) -> str:
        if self.worked:
            return "worked"
        return f"{self.error}: {self.text.splitlines()[0]}" if self.error else f"killed by signal {-self.code}"


@dataclass(frozen=True)
class Task:
    """What a worker is told.

    Attributes:
        job: A function of a module.
        arguments: Plain values for it.
        environment: Its whole environment.
        aims: Where it dies or stands still.
        folder: For its log, its outcome and its signs.
        sabotage: What is broken in its own code.
    """

    job: Job
    arguments: tuple[object, ...]
    environment: dict[str, str]
    aims: tuple[Aim, ...]
    folder: Path
    sabotage: tuple[Sabotage, ...] = ()


class Running(Protocol):
    """A process, however it was begun."""

    @property
    def pid(self) -> int | None:
        """The process id."""

    @property
    def exitcode(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""

    def is_alive(self) -> bool:
        """Whether it runs."""

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, no longer than so many seconds."""


class Worker:
    """One process that does one job.

    Args:
        begin: Begins the process.
        task: What it is told; its folder is made here.
    """

    def __init__(self, begin: Callable[[Task], Running], task: Task) -> None:
        task.folder.mkdir(parents=True)
        self.folder = task.folder
        self._process = begin(task)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid or 0

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def until(self, aim: Aim) -> None:
        """Wait until the worker has come to where it is aimed.

        Raises:
            DrillFailed: It ended before, or did not come there in time.
        """
        self.until_true(lambda: sign(self.folder, aim).exists(), f"it did not come to {aim.moment!r}")
        if aim.action == "stop":
            self.until_true(lambda: _is_stopped(self.pid), f"it did not stop at {aim.moment!r}")

    def until_true(self, true: Callable[[], bool], otherwise: str) -> None:
        """Wait until something is true that the worker brings about.

        Raises:
            DrillFailed: The worker ended before, or it took too long.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not true():
            if not self._process.is_alive() and not true():
                raise DrillFailed(f"{otherwise}: the worker ended before ({self.wait()})")
            if time.monotonic() > deadline:
                raise DrillFailed(f"{otherwise} within {PATIENCE_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)

    def kill(self) -> None:
        """Kill it as nobody can prepare for."""
        os.kill(self.pid, signal.SIGKILL)
        self._process.join()

    def go_on(self) -> None:
        """Continue it, wherever it stands."""
        leave(self.folder).touch()
        os.kill(self.pid, signal.SIGCONT)

    def let_go(self) -> None:
        """Let whoever waits go on, though the worker itself may be dead."""
        leave(self.folder).touch()

    def wait(self) -> Outcome:
        """Wait for its end.

        Raises:
            DrillFailed: It does not end.
        """
        self._process.join(PATIENCE_SECONDS)
        if self._process.exitcode is None:
            self.kill()
            raise DrillFailed(
                f"a worker did not end within {PATIENCE_SECONDS:.0f} s; its log ends:\n{self.log[-2000:]}"
            )
        written = self.folder / "outcome.json"
        said = json.loads(written.read_text()) if written.exists() else {}
        return Outcome(self._process.exitcode, **said, log=self.log)

    @property
    def log(self) -> str:
        """What it logged so far."""
        file = self.folder / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    def end(self) -> None:
        """Make sure that it is gone, and whoever it began."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)  # its session outlives it as long as anybody in there lives
        if self._process.is_alive():  # it may not have come to a session of its own yet
            self.kill()


def _is_stopped(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return False


def fork_server() -> ForkServerContext:
    """Return a context whose workers find the heavy modules imported."""
    # Killed workers cannot give back what their libraries took; the process that looks after that need not complain.
    with _environment("PYTHONWARNINGS", "ignore:resource_tracker:UserWarning"):
        resource_tracker.ensure_running()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["nightshift.drill.jobs", *MODULES])
    return context


def end_fork_server() -> None:
    """End the server that workers are forked from; it would end by itself, some time after us."""
    import psutil

    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if any("multiprocessing.forkserver" in word for word in child.cmdline()):
                child.terminate()
                child.wait(PATIENCE_SECONDS)


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def forked(context: ForkServerContext, task: Task) -> Running:
    """Begin a worker as a fork."""
    process = context.Process(target=live, args=(task,), daemon=False)
    process.start()
    return process


def shifted(shift: str, task: Task) -> Running:
    """Begin a worker in a new process whose clock is wrong by `shift`.

    Raises:
        DrillFailed: libfaketime does not work on this machine.
    """
    from nightshift.drill.clocks import preloaded

    told = task.folder / "task.pickle"
    told.write_bytes(pickle.dumps(task))
    environment = {**task.environment, **preloaded(shift)}
    command = [sys.executable, "-c", "from nightshift.drill.workers import read; read()", str(told)]
    return _Program(subprocess.Popen(command, env=environment))  # noqa: S603


class _Program:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid: int | None = process.pid

    @property
    def exitcode(self) -> int | None:
        return self._process.poll()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def join(self, timeout: float | None = None) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)


def read() -> None:
    """Live by the task in the file that the command line names."""
    live(pickle.loads(Path(sys.argv[1]).read_bytes()))  # noqa: S301 - written by our own parent a moment ago


def live(task: Task) -> None:
    """Be a worker, from the first breath to the last."""
    from nightshift.drill.sabotage import sabotaged
    from pipelines.engine.moments import listening

    os.setsid()
    os.environ.clear()
    os.environ.update(task.environment)
    _log_to(task.folder / "log")
    try:
        with listening(listener(task.aims, task.folder)), sabotaged(task.sabotage):
            said: dict[str, Any] = {"result": task.job(*task.arguments)}
    except Exception as error:
        log.error("%s", traceback.format_exc())
        retryable = bool(getattr(error, "retryable", False))
        said = {"error": type(error).__name__, "text": str(error), "retryable": retryable}
    whole = task.folder / "outcome.part"
    whole.write_text(json.dumps(said))
    whole.replace(task.folder / "outcome.json")


def _log_to(file: Path) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, force=True, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("pipelines").setLevel(logging.INFO)
