"""Starting processes in the definition's order, each when those that it needs are ready."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nightshift.embedded.processes import last_lines
from nightshift.stack import postgres
from nightshift.stack.errors import RoleFailed
from nightshift.stack.layout import StackLayout
from nightshift.stack.order import may_start, starting_order
from nightshift.stack.programs import ABSENT, Program
from nightshift.stack.readiness import STARTED_SECONDS, Hopeless, readiness
from nightshift.stack.supervisor import Supervisor
from pipelines.engine.settings import REPOSITORY

Progress = Callable[[str], None]
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Starter:
    """Starts processes of a stack, and looks whether they are well.

    Attributes:
        supervisor: Who keeps them.
        layout: Where their files are.
        common: Variables that all of them have.
    """

    supervisor: Supervisor
    layout: StackLayout
    common: Mapping[str, str]

    def start_all(self, programs: Sequence[Program], on_progress: Progress) -> None:
        """Start everything, each role when what it needs is ready; return when all are.

        Raises:
            RoleFailed: One does not become healthy, or a job failed; with the end of its log.
        """
        order = starting_order({one.role.name: one.role for one in programs}.values())
        by_role = {role.name: [one for one in programs if one.role.name == role.name] for role in order}
        started: dict[str, float] = {}
        ready: set[str] = set()
        while len(ready) < len(by_role):
            for role, ones in by_role.items():
                if role not in started and may_start(ones[0].role, started, ready, ABSENT):
                    on_progress(f"{role} starts")
                    for one in ones:
                        self.start(one)
                    started[role] = time.monotonic()
            for role in [role for role in started if role not in ready]:
                if all(self.is_ready(one, started[role]) for one in by_role[role]):
                    ready.add(role)
                    word = "done" if by_role[role][0].role.is_job else "up"
                    on_progress(f"{role} is {word} ({time.monotonic() - started[role]:.0f} s)")
            time.sleep(POLL_SECONDS)

    def start(self, program: Program) -> None:
        """Start one process; a new Postgres is told first what its image would tell it.

        Raises:
            RoleFailed: Postgres cannot be made, or does not answer.
        """
        if program.role.program != "postgres" or (data := _data_of(program)).exists():
            self.supervisor.start(program.name)
            return
        secret = (self.layout.run / "secrets" / "postgres_password").read_text().strip()
        postgres.make_folder(program, data, secret, self.common)
        self.supervisor.start(program.name)
        deadline = time.monotonic() + STARTED_SECONDS
        while not postgres.answers(program, self.common):
            if time.monotonic() > deadline:
                raise self.failed(program, "does not answer")
            time.sleep(POLL_SECONDS / 2)
        # The files were mounted with this machine's addresses and paths in them.
        first = self.layout.run / "config" / program.name / postgres.FIRST_FILES.strip("/")
        postgres.run_first_files(program, first, secret, self.common)

    def wait(self, programs: Sequence[Program], since: float) -> None:
        """Return when processes that were started at `since` are ready.

        Raises:
            RoleFailed: One of them does not become so.
        """
        while not all(self.is_ready(one, since) for one in programs):
            time.sleep(POLL_SECONDS)

    def is_ready(self, program: Program, since: float) -> bool:
        """Whether a process that was started at `since` is ready.

        Raises:
            RoleFailed: It will not be.
        """
        info = self.supervisor.processes()[program.name]
        try:
            found = readiness(program.role, info, time.monotonic() - since)
        except Hopeless as error:
            raise self.failed(program, str(error)) from None
        return found == "ready" or (found == "ask" and self.is_healthy(program))

    def is_healthy(self, program: Program) -> bool:
        """Whether a process passes its health check; one without a check is healthy."""
        if program.health is None:
            return True
        variables = {**self.common, **program.environment, "HOSTNAME": program.name}
        try:
            done = subprocess.run(  # noqa: S603 - the definition's own words
                program.health.test,
                env=variables,
                cwd=REPOSITORY,
                capture_output=True,
                timeout=program.health.timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def until_ended(self, names: Iterable[str], patience: float) -> None:
        """Wait until processes have ended, but no longer than `patience` seconds."""
        names, deadline = list(names), time.monotonic() + patience
        while time.monotonic() < deadline:
            states = self.supervisor.processes()
            if all(states[name]["statename"] not in ("STOPPING", "RUNNING", "STARTING") for name in names):
                return
            time.sleep(POLL_SECONDS)

    def failed(self, program: Program, what: str) -> RoleFailed:
        """Return the error that says what became of a process, with the end of its log."""
        log = self.layout.logs / f"{program.name}.log"
        lines = "\n".join(f"  | {line}" for line in last_lines(log, 12))
        return RoleFailed(f"{program.name} {what}. The end of its log:\n{lines}\nLog: {log}")


def _data_of(program: Program) -> Path:
    return Path(program.words[program.words.index("-D") + 1])
