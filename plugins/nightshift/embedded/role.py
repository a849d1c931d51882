"""One process of the tree: `python -P role.py <parent pid> <gate> <program> <arguments>`.

Runs `airflow <arguments>`, or `python -m <program> <arguments>`, in this interpreter, after making sure that this process and everything it forks dies with
its parent. Run as a file, not as a module: it must be in force before Airflow or anything of ours is imported, so it
imports the standard library alone.

`gate` is `open`, or `held`: import everything, then wait for a line on standard input before running. The scheduler
preloads heavy modules while the api-server starts, yet must not schedule before the api-server answers.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 1.0


def die_with_parent(parent: int) -> None:
    """End this process when `parent`, its parent, ends: by the kernel on Linux, by looking once a second elsewhere."""
    if sys.platform == "linux":
        _ask_the_kernel(signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True, name="parent-watch").start()
    if os.getppid() != parent:  # it ended before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def outlive_parent() -> None:
    """Take `die_with_parent` back for this process, which was forked by one that follows its forks.

    Elsewhere than on Linux there is nothing to take back: such a process is not watched.
    """
    if sys.platform == "linux":
        _ask_the_kernel(0)


def follow_forks() -> None:
    """Make forked children (executor workers, task processes, parsers) die with the process that forked them.

    Linux alone: elsewhere the children end with the process group that `_watch` kills.
    """
    if sys.platform != "linux":
        return
    forker = threading.local()  # a child keeps the values of the one thread that it was forked by

    def before() -> None:
        # The kernel's "parent" is the thread that forked. A child forked by a short-lived thread must not die with it.
        forker.pid = os.getpid()
        forker.is_main = threading.current_thread() is threading.main_thread()

    def in_child() -> None:
        if forker.is_main:
            die_with_parent(forker.pid)

    os.register_at_fork(before=before, after_in_child=in_child)


def _ask_the_kernel(for_signal: int) -> None:
    """Ask for a signal when the parent ends; 0 asks for none."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(for_signal), 0, 0, 0)


def _watch(parent: int) -> None:
    """Kill the whole process group once `parent` is gone."""
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main(arguments: list[str]) -> None:
    """Become `airflow <arguments>`, or another program of ours."""
    parent, gate, program, *rest = arguments
    die_with_parent(int(parent))
    follow_forks()
    sys.argv = [program, *rest]
    if program == "airflow":
        _airflow(gate)
    else:
        runpy.run_module(program, run_name="__main__", alter_sys=True)


def _airflow(gate: str) -> None:
    # Imports airflow_local_settings too, and so the preloaded modules.
    from airflow.__main__ import main as airflow

    if gate == "held" and not sys.stdin.readline():
        raise SystemExit("The parent went away before it let this process run.")
    airflow()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(sys.argv[1:])
