"""Run a server that ends when its owner does.

`python -I guard.py OWNER SIGNAL SECONDS USER FOLDER COMMAND...`

OWNER is the process that the guard's parent must be, SIGNAL the name of the one that ends the server well, SECONDS how
long that may take, USER the numeric user that it runs as ("-": the same), FOLDER what to remove if the owner was killed
and cannot do it ("-": nothing). The guard prints the server's process number, and ends with it. SIGTERM ends both.

Run as a file with the standard library alone, so that it costs next to nothing. It looks whether its owner lives
instead of asking the kernel to be told: the kernel's parent is the thread that started us, which may be a short one.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from typing import Any

LOOK_SECONDS = 1.0


def as_user(user: str) -> dict[str, Any]:
    """Return the arguments of Popen that make a process run as a user, and in no group of ours."""
    if user == "-":
        return {}
    import pwd

    return {"user": int(user), "group": pwd.getpwuid(int(user)).pw_gid, "extra_groups": []}


def watch(server: subprocess.Popen[bytes], owner: int) -> None:
    """Return when the server has ended, SIGTERM came, or the owner is gone."""
    asked: list[int] = []
    waker, woken = socket.socketpair()
    for end in (waker, woken):
        end.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while server.poll() is None and not asked and os.getppid() == owner:
        select.select([woken], [], [], LOOK_SECONDS)
        with suppress(BlockingIOError):
            woken.recv(4096)


def end(server: subprocess.Popen[bytes], how: int, seconds: float) -> None:
    """End the server's process group: well if it can, by force if it does not."""
    with suppress(ProcessLookupError):
        os.killpg(server.pid, how)
    with suppress(subprocess.TimeoutExpired):
        server.wait(seconds)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def main(arguments: list[str]) -> int:
    """Start the server and stay until it has ended."""
    owner, how, seconds, user, folder, *command = arguments
    server = subprocess.Popen(command, stdout=sys.stderr, start_new_session=True, **as_user(user))  # noqa: S603
    sys.stdout.write(f"{server.pid}\n")
    sys.stdout.flush()
    watch(server, int(owner))
    end(server, signal.Signals[how], float(seconds))
    if os.getppid() != int(owner) and folder != "-":
        shutil.rmtree(folder, ignore_errors=True)
    return server.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) and 1)
