"""Starting a server under its guard, waiting until it answers, ending it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from nightshift.drill.servers.errors import ServerFailed
from nightshift.drill.servers.proxy import LOOPBACK
from nightshift.embedded.processes import last_lines

GUARD_FILE = Path(__file__).with_name("guard.py")
START_SECONDS = 90.0
STOP_SECONDS = 30.0
TRIES = 3
_POLL_SECONDS = 0.05


class Guarded:
    """A server's process.

    Args:
        name: What people call the server.
        command: Starts it, in the foreground.
        log: Where its output is appended.
        environment: All of it.
        stop_signal: The name of the signal that ends it well.
        grace_seconds: How long that may take before it is killed.
        user: Its numeric user, if not ours.
        folder: Its working folder.
        disposable: A folder that the guard removes if this process is killed.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        stop_signal: str = "SIGTERM",
        grace_seconds: float = 10.0,
        user: int | None = None,
        folder: Path | None = None,
        disposable: Path | None = None,
    ) -> None:
        self._name = name
        self._log = log
        manners = [stop_signal, str(grace_seconds), "-" if user is None else str(user), str(disposable or "-")]
        with log.open("ab") as output:
            self._guard = subprocess.Popen(  # noqa: S603 - our own interpreter and file
                [sys.executable, "-I", str(GUARD_FILE), str(os.getpid()), *manners, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=folder,
                env=dict(environment),
                start_new_session=True,
            )
        self.pid = self._said_pid()
        """The server's own process number."""

    def _said_pid(self) -> int:
        assert self._guard.stdout is not None  # noqa: S101 - it is a pipe
        with self._guard.stdout as said:
            line = said.readline()
        if not line:
            self._guard.wait()
            raise self._failed("could not be started")
        return int(line)

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self._guard.poll() is not None

    def stop(self) -> None:
        """End it well, or by force if it takes too long."""
        self._guard.terminate()
        self._wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server itself."""
        os.kill(self.pid, number)

    def end(self, number: signal.Signals) -> None:
        """Send a signal that ends the server, and wait for the end."""
        self.send(number)
        self._wait()

    def wait_until(self, answers: Callable[[], bool]) -> None:
        """Wait until the server answers.

        Raises:
            ServerFailed: It ended, or took too long and was ended.
        """
        deadline = time.monotonic() + START_SECONDS
        while not answers():
            if self.ended:
                raise self._failed("ended by itself")
            if time.monotonic() > deadline:
                self.stop()
                raise self._failed(f"did not answer within {START_SECONDS:.0f} s")
            time.sleep(_POLL_SECONDS)

    def run(self) -> None:
        """Wait for the end of a program that does a thing and ends.

        Raises:
            ServerFailed: It failed, or did not end in time.
        """
        self._wait()
        if self._guard.returncode:
            raise self._failed("failed")

    def _wait(self) -> None:
        try:
            self._guard.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise self._failed(f"did not end within {STOP_SECONDS:.0f} s") from None

    def _failed(self, what: str) -> ServerFailed:
        lines = "\n".join(f"  {line}" for line in last_lines(self._log, 15))
        return ServerFailed(f"the drill's {self._name} {what}. The end of its log, {self._log}:\n{lines}")


def start_on_free_port(start: Callable[[int], Guarded]) -> tuple[Guarded, int]:
    """Start a server on a free port; on another one when somebody else takes it before the server does.

    Args:
        start: Starts the server on a port and waits until it answers.

    Raises:
        ServerFailed: It did not start on any port.
    """
    for _ in range(TRIES - 1):
        port = free_port()
        try:
            return start(port), port
        except ServerFailed:
            if not listens(port):  # it is not the port
                raise
    port = free_port()
    return start(port), port


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody accepts connections."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
