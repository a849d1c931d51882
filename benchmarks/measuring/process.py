"""Run one subject: from its start to the end of the last process that it left."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measuring.groups import Group, cpu_group, memory_group
from benchmarks.measuring.tree import Tree, adopting_orphans

SECONDS_BETWEEN_SAMPLES = 0.1
SHARE_OF_SAMPLING = 0.1
"""Sampling a large process takes a while; it is done less often then, so that it takes no more of one core than this."""
SECONDS_FOR_LEFTOVERS = 10.0
LAST_LINES = 12
BY_GROUP = "control group"
BY_SAMPLES = "rusage and samples"

# The shell joins the groups first, so that not a moment of the subject is missed, and then becomes the subject.
_JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"'
_LIMIT = 'ulimit -d "$1" || exit 125; shift; exec "$@"'


@dataclass(frozen=True)
class Subject:
    """One program to be measured.

    Attributes:
        name: On the page.
        command: Its words.
        output: What it writes; removed before it starts.
        environment: Variables beside ours.
        seconds: After which it is given up.
        memory_limit: In bytes; it is killed, or its memory refused, where it needs more.
    """

    name: str
    command: Sequence[str]
    output: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 1200.0
    memory_limit: int | None = None


@dataclass(frozen=True)
class Cost:
    """What one run took.

    Attributes:
        wall_s: From the start to the end of the process that was started.
        cpu_s: User and system time of the whole tree, until its last process had ended.
        peak_mb: See `Tree.peak_mb`.
        cpu_by: How `cpu_s` was counted: `BY_GROUP` or `BY_SAMPLES`.
        limit_by: How `memory_limit` was held, if there was one.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float
    cpu_by: str = BY_GROUP
    limit_by: str = ""


class SubjectFailed(Exception):
    """A subject ended with an error; says which, how, and what it said last."""


def measure(subject: Subject, log: Path) -> Cost:
    """Run a subject to its end; what it says goes to a log file.

    Raises:
        SubjectFailed: It could not be started, ended with an error, took too long or was killed.
    """
    with adopting_orphans():
        return _measure(subject, log)


def _measure(subject: Subject, log: Path) -> Cost:
    _clear(subject.output)
    groups, words, limit_by = _limited(subject)
    counting = cpu_group()
    groups += [counting] if counting else []
    command = ["/bin/sh", "-c", _JOIN, "sh", *(str(group.folder) for group in groups), "--", *words]
    tree, before, begun = Tree(), _waited(), time.monotonic()
    try:
        with log.open("wb") as said:
            process = subprocess.Popen(  # noqa: S603 - our own subjects
                command, stdout=said, stderr=subprocess.STDOUT, env={**os.environ, **subject.environment}
            )
        wall = _watch(process, tree, begun + subject.seconds) - begun
        _end_leftovers(tree)
        cpu = counting.cpu_seconds() if counting else max(_waited() - before, tree.cpu_seconds)
    finally:
        tree.kill()
        tree.reap()
        for group in groups:
            group.remove()
    if process.returncode:
        raise SubjectFailed(_failure(subject, process.returncode, wall, tree.peak_mb, log))
    return Cost(wall, cpu, tree.peak_mb, BY_GROUP if counting else BY_SAMPLES, limit_by)


def _limited(subject: Subject) -> tuple[list[Group], list[str], str]:
    """Return the groups to join, the words to run, and how memory is limited."""
    words = list(subject.command)
    if subject.memory_limit is None:
        return [], words, ""
    group = memory_group(subject.memory_limit)
    if group:
        return [group], words, f"control group (version {group.version})"
    return [], ["/bin/sh", "-c", _LIMIT, "sh", str(subject.memory_limit // 1024), *words], "ulimit -d"


def _watch(process: subprocess.Popen[bytes], tree: Tree, until: float) -> float:
    """Sample until the process ends; return when that was."""
    while process.poll() is None:
        now = time.monotonic()
        if now > until:
            tree.kill()
        tree.sample()
        pause = max(SECONDS_BETWEEN_SAMPLES, (time.monotonic() - now) / SHARE_OF_SAMPLING)
        with suppress(subprocess.TimeoutExpired):
            process.wait(pause)  # ends at once when the process does
    return time.monotonic()


def _end_leftovers(tree: Tree) -> None:
    """Let servers and workers that the subject left end by themselves, and end them if they do not."""
    until = time.monotonic() + SECONDS_FOR_LEFTOVERS
    while tree.processes() and time.monotonic() < until:
        tree.sample()
        tree.reap()
        time.sleep(SECONDS_BETWEEN_SAMPLES)
    tree.kill()
    tree.reap()


def _waited() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _clear(output: Path | None) -> None:
    if output and output.is_dir():
        shutil.rmtree(output)
    elif output:
        output.unlink(missing_ok=True)


def _failure(subject: Subject, code: int, wall: float, peak_mb: float, log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()][-LAST_LINES:]
    how = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
    late = f" after its limit of {subject.seconds:.0f} s" if wall > subject.seconds else f" after {wall:.0f} s"
    said = "\n".join(f"  {line[:300]}" for line in lines) or "  nothing"
    return f"{subject.name} {how}{late}, with a peak of {peak_mb:,.0f} MB. It said last:\n{said}"
