"""The embedded Airflow: four processes that start in the right order and end with their owner, and their companions.

    with AirflowTree(home, repository) as tree:
        tree.start(on_progress=print)
        tree.client.trigger("flights_scoring", partition_key="2013-11-19")

A process that ends by itself is started anew by `mend`, which the owner calls now and then. A laptop's scheduler that was
killed for its memory at two in the morning should cost the night some seconds, not the night: what it left undone is found
again by Airflow, and finished work is not repeated. What keeps dying ends the tree, with the reason (`mending.py`).

Ctrl-C reaches only the owner (each process has a session of its own), leaves the `with` block, and stops the tree. If
the owner is killed, the kernel ends the rest (`role.py`).
"""

from __future__ import annotations

import math
import os
import secrets
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nightshift.embedded.client import AirflowClient
from nightshift.embedded.environment import airflow_environment, base_url, configuration_text, process_environment
from nightshift.embedded.errors import EmbeddedError, StartFailed, StopFailed
from nightshift.embedded.failure import check_disk, died
from nightshift.embedded.keys import load_or_make_keys
from nightshift.embedded.layout import Layout
from nightshift.embedded.logins import admin_of, load_or_make_logins, login_settings
from nightshift.embedded.mending import mending
from nightshift.embedded.migration import is_migrated, migrate
from nightshift.embedded.ports import choose
from nightshift.embedded.processes import TREE_VARIABLE, Child, boot_id, identify, kill_members, spawn
from nightshift.embedded.readiness import dag_files, not_healthy, unread
from nightshift.embedded.state import Ownership, State, read_state, write_state
from pipelines.engine.home import private_file, private_folder, write_privately

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from nightshift.embedded.records import ImportProblem

    Progress = Callable[[str], None]

ROLES = {
    "api-server": ("airflow", "api-server"),
    "scheduler": ("airflow", "scheduler", "--skip-serve-logs"),
    "dag-processor": ("airflow", "dag-processor"),
    "triggerer": ("airflow", "triggerer", "--skip-serve-logs"),
}
"""Role to the words of its command. Logs are read from the shared folder, so nobody serves them."""

FIRST = ("api-server", "scheduler")
"""Started at once; the scheduler only imports (ten CPU seconds of it) until the api-server answers. Whatever starts
later has a core to itself: on two cores this is quicker than all four at once."""

SETTINGS_MODULE = """\
from nightshift.policies import dag_policy
from nightshift.preload import install

install()
"""

START_TIMEOUT_SECONDS = 240.0
UNREAD_PATIENCE_SECONDS = 20.0
"""A file in dags/ that holds no DAG is never reported; after this it is not waited for any more."""
TASK_GRACE_SECONDS = 10.0
"""How long running tasks may take to end when the tree is stopped."""
EXIT_GRACE_SECONDS = 2.0
"""How long the others may take then. The triggerer would take thirteen with nothing to do; none has work to lose."""
_POLL_SECONDS = 0.1


def _silent(_: str) -> None:
    """Progress that nobody wants."""


@dataclass(frozen=True, slots=True)
class Ready:
    """What a started tree found in dags/."""

    url: str
    dag_ids: tuple[str, ...]
    import_errors: tuple[ImportProblem, ...]


class AirflowTree:
    """One home's Airflow, owned by this process.

    Args:
        home: NIGHTSHIFT_HOME; everything is kept in `<home>/airflow`.
        repository: the clone, with `dags/` and `plugins/`.
        port: of the UI and API on 127.0.0.1; None: 8080 or else any free one.
        parallelism: tasks at the same time.
        extra: further environment variables for all processes.
        login: whether it asks for a name and a password, instead of taking everybody for an administrator.
        companions: further processes by role, each a module of ours and its arguments; started once Airflow is healthy.
            They come and go without harm to the tree.
    """

    def __init__(
        self,
        home: Path,
        repository: Path,
        *,
        port: int | None = None,
        parallelism: int = 2,
        extra: Mapping[str, str] | None = None,
        login: bool = False,
        companions: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.layout = Layout(home, repository)
        self._asked_port = port
        self._parallelism = parallelism
        self._extra = dict(extra or {})
        self._login = login
        self._companions = {role: tuple(words) for role, words in (companions or {}).items()}
        self._deaths: dict[str, list[float]] = {}
        self._due: dict[str, float] = {}
        self._ownership = Ownership(self.layout)
        self._name = secrets.token_hex(8)
        self._children: dict[str, Child] = {}
        self._state: State | None = None
        self._client: AirflowClient | None = None
        self._port: int | None = None
        self.environment: dict[str, str] = {}
        """The whole environment of the tree's processes; for `airflow` commands beside it. Known once initialised."""

    def __enter__(self) -> AirflowTree:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(TASK_GRACE_SECONDS, error if isinstance(error, EmbeddedError) else None)

    @property
    def url(self) -> str:
        """Where the UI and the API are."""
        if self._port is None:
            raise StartFailed("The embedded Airflow has no address yet: call start() first.")
        return base_url(self._port)

    @property
    def client(self) -> AirflowClient:
        """A client of this tree's API."""
        if self._client is None:
            self._client = AirflowClient(self.url, login=admin_of(self.layout.logins))
        return self._client

    def initialise(self, on_progress: Progress = _silent) -> None:
        """Become the owner, choose the port, write the settings, and bring the database to its schema.

        Raises:
            AlreadyRunning: another process owns this home's Airflow.
            PortTaken: the asked port is in use.
            NoDiskSpace: the home's disk is full.
            SecretsDamaged: the secrets file is not ours.
            StartFailed: the database cannot be migrated.
        """
        if self._state is not None:
            return
        self._ownership.take()
        try:
            check_disk(self.layout.airflow_home)
            self._clear_leftovers()
            self._port = choose(self._asked_port)
            self._write_settings(self._port)
            owner, repository = identify(os.getpid()), str(self.layout.repository)
            self._note(State(self._name, owner, self.url, repository, boot_id(), login=self._login))
            if not is_migrated(self.layout):
                self._say("making Airflow's database", on_progress)
                migrate(self.layout, self.environment)
        except BaseException as error:
            self._end(0.0, error)
            raise

    def start(self, on_progress: Progress = _silent, *, timeout: float = START_TIMEOUT_SECONDS) -> Ready:
        """Start all processes and wait until they are healthy and the DAG files are read.

        Import errors do not stop the start: they are in the answer, in the UI, and told to `on_progress`.

        Raises:
            StartFailed: a process died (with the last lines of its log), or it took longer than `timeout` seconds.
            EmbeddedError: as `initialise`.
        """
        self.initialise(on_progress)
        try:
            since = datetime.now(UTC)
            deadline = time.monotonic() + timeout
            self._say("starting the api-server", on_progress)
            for role in FIRST:
                self._spawn(role)
            self._wait(lambda: self.client.health() is None, "the api-server to answer", deadline)
            self._say("starting the scheduler, dag-processor and triggerer", on_progress)
            self._children["scheduler"].release()
            for role in [role for role in ROLES if role not in FIRST]:
                self._spawn(role)
            self._wait(lambda: bool(not_healthy(self.client.health())), "all components to be healthy", deadline)
            self._say("reading the DAG files", on_progress)
            ready = self._read_dags(since, deadline)
            for role in self._companions:
                self._spawn(role)
        except BaseException as error:
            self._end(0.0, error)
            raise
        for problem in ready.import_errors:
            on_progress(f"{problem.file} cannot be imported: {problem.reason}")
        self._say("healthy", on_progress)
        return ready

    def check(self) -> None:
        """Raise StartFailed if a process of Airflow's ended by itself."""
        for role in ROLES:
            child = self._children.get(role)
            if child is not None and child.ended:
                raise StartFailed(died(child.role, child.process.returncode, child.log))

    def mend(self, on_progress: Progress = _silent) -> None:
        """Start processes anew that ended by themselves, each after a pause; call it about once a second.

        Raises:
            StartFailed: a process of Airflow's keeps dying; the message has the last lines of its log.
        """
        for role, child in list(self._children.items()):
            if role not in self._due and child.ended:
                self._plan_restart(child, on_progress)
            if time.monotonic() >= self._due.get(role, math.inf):
                self._restart(child, on_progress)
        scheduler = self._children.get("scheduler")
        if scheduler is not None and scheduler.waits and self.client.health() is not None:
            scheduler.release()

    def _plan_restart(self, child: Child, on_progress: Progress) -> None:
        deaths = self._deaths.setdefault(child.role, [])
        deaths.append(time.monotonic())
        essential = child.role in ROLES
        plan = mending(deaths, essential=essential)
        message = died(child.role, child.process.returncode, child.log, airflow=essential)
        if plan.at is None:
            raise StartFailed(f"{message}\nIt was started anew {plan.number - 1} times, and died each time.")
        self._due[child.role] = plan.at
        on_progress(f"{message}\nIt is started anew in {plan.at - deaths[-1]:.0f} s (number {plan.number} lately).")

    def _restart(self, child: Child, on_progress: Progress) -> None:
        # What it left of its session (a task with its worker) must not go on beside what comes now.
        kill_members([child.process.pid], "")
        del self._due[child.role]
        self._spawn(child.role)
        if self._state is not None:
            count = self._state.restarts.get(child.role, 0) + 1
            self._note(replace(self._state, restarts=self._state.restarts | {child.role: count}))
        on_progress(f"{child.role} was started anew")

    def stop(self, *, task_grace: float = TASK_GRACE_SECONDS) -> None:
        """End all processes: politely, then for certain. Safe to call twice, and at any moment.

        The api-server goes last, because running tasks report to it. A task that does not end within `task_grace`
        seconds is killed; Airflow will find it and try again at the next start.

        Raises:
            StopFailed: a process survived SIGKILL.
        """
        self._end(task_grace, None)

    def _end(self, task_grace: float, error: BaseException | None) -> None:
        """Leave nothing behind, but the reason if there is one."""
        try:
            self._ask_to_end(task_grace)
        finally:
            try:
                self._kill_the_rest()
            finally:
                self._let_go(error)

    def _let_go(self, error: BaseException | None) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        if not self._ownership.held:
            return
        if self._state is not None and error is not None:
            self._note(self._state.failed(error))
        else:
            self.layout.state.unlink(missing_ok=True)
        self._state = None
        self._ownership.give_back()

    def _spawn(self, role: str) -> None:
        held = role == "scheduler"
        log = self.layout.role_log(role)
        words = ROLES.get(role) or self._companions[role]
        child = spawn(role, words, self.environment, log, held=held)
        self._children[role] = child
        if self._state is not None:
            self._state.roles[role] = identify(child.process.pid)
            write_state(self.layout.state, self._state)

    def _wait(self, unfinished: Callable[[], bool], what: str, deadline: float) -> None:
        while unfinished():
            self.check()
            if time.monotonic() > deadline:
                missing = ", ".join(not_healthy(self.client.health()))
                message = (
                    f"Waited too long for {what}.\nNot healthy: {missing or 'none'}.\nLogs: {self.layout.logs}\n"
                    "Do: close other work on this machine, or read the logs; then start again."
                )
                raise StartFailed(message)
            time.sleep(_POLL_SECONDS)

    def _read_dags(self, since: datetime, deadline: float) -> Ready:
        files = dag_files(self.layout.dags)
        patience = time.monotonic() + UNREAD_PATIENCE_SECONDS

        def waiting() -> bool:
            left = unread(files, self.client.dags(), self.client.import_errors(), since)
            return bool(left) and time.monotonic() < patience

        self._wait(waiting, "the DAG files to be read", deadline)
        dags = tuple(sorted(dag.dag_id for dag in self.client.dags()))
        return Ready(self.url, dags, tuple(self.client.import_errors()))

    def _write_settings(self, port: int) -> None:
        keys = load_or_make_keys(self.layout.secrets)
        extra = self._extra
        if self._login:
            load_or_make_logins(self.layout.logins)
            extra = login_settings(self.layout.logins) | extra
        ours = airflow_environment(self.layout, port=port, keys=keys, parallelism=self._parallelism, extra=extra)
        root = str(Path(__file__).parents[2])
        self.environment = process_environment(os.environ, ours, package_root=root) | {TREE_VARIABLE: self._name}
        for folder in (self.layout.logs, self.layout.settings_module.parent):
            private_folder(folder)
        private_file(self.layout.database)
        with write_privately(self.layout.settings_module) as file:
            file.write(SETTINGS_MODULE)
        with write_privately(self.layout.configuration) as file:
            file.write(configuration_text(ours))

    def _clear_leftovers(self) -> None:
        """End what an owner left that died without its children (not on Linux, or a task with a session of its own)."""
        last = read_state(self.layout.state)
        if last is not None:
            kill_members(last.sessions(), last.tree)

    def _ask_to_end(self, task_grace: float) -> None:
        first = [child for role, child in self._children.items() if role != "api-server"]
        for child in first:
            child.terminate()
        if scheduler := self._children.get("scheduler"):
            scheduler.wait(task_grace)
        if self._client is not None:
            self._client.close()  # the api-server would wait for an open connection
        if api := self._children.get("api-server"):
            api.terminate()
        deadline = time.monotonic() + EXIT_GRACE_SECONDS
        for child in self._children.values():
            child.wait(deadline - time.monotonic())

    def _kill_the_rest(self) -> None:
        if not self._children:
            return
        _, left = kill_members([child.process.pid for child in self._children.values()], self._name)
        for child in self._children.values():
            child.wait(1.0)
        self._children.clear()
        self._due.clear()
        if left:
            raise StopFailed(f"These processes could not be ended: {', '.join(left)}.\nDo: end them by hand.")

    def _say(self, phase: str, on_progress: Progress) -> None:
        on_progress(phase)
        if self._state is not None:
            self._note(self._state.now(phase))

    def _note(self, state: State) -> None:
        self._state = state
        write_state(self.layout.state, state)
