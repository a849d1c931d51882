"""Starting and ending the stack: in the definition's order, with its health checks."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from nightshift.embedded.processes import kill_members
from nightshift.stack import postgres
from nightshift.stack.definition import HEALTHY, JOB, Definition, read_definition
from nightshift.stack.errors import RoleFailed, StackDown, StackRuns
from nightshift.stack.layout import StackLayout
from nightshift.stack.machine import common_environment, free_network, require_programs
from nightshift.stack.order import starting_order
from nightshift.stack.places import Places, addresses
from nightshift.stack.programs import ABSENT, Program
from nightshift.stack.rendering import programs_of, write_files
from nightshift.stack.starting import POLL_SECONDS, Progress, Starter
from nightshift.stack.status import Page, ProcessStatus, status_of
from nightshift.stack.supervisor import Control, Supervisor, configuration, start
from pipelines.engine.home import private_folder, replace_json_privately
from pipelines.engine.settings import REPOSITORY

FILE = REPOSITORY / "docker" / "compose.yaml"
ENDS_SECONDS = 60.0
"""How long processes may take to end, when the whole stack does."""


@dataclass(frozen=True)
class State:
    """What the one who started the stack wrote down.

    Attributes:
        network: The addresses of its roles begin so.
        password: Of supervisord.
        variables: What `${NAME}` stood for in the definition.
        healthy: Whether all roles had come up.
    """

    network: str
    password: str
    variables: Mapping[str, str]
    healthy: bool = False


class Stack:
    """The stack of one home.

    Args:
        home: NIGHTSHIFT_HOME.
        file: The definition.
    """

    def __init__(self, home: Path, file: Path = FILE) -> None:
        self.layout = StackLayout(home.absolute() / "stack")
        self._file = file

    # --- what there is

    @property
    def state(self) -> State:
        """What the stack that runs was started with.

        Raises:
            StackDown: None runs.
        """
        try:
            return State(**json.loads(self.layout.state.read_text()))
        except (OSError, ValueError, TypeError):
            raise StackDown("The stack does not run. Start it: nightshift stack up") from None

    @property
    def supervisor(self) -> Supervisor:
        """Who keeps its processes."""
        state = self.state
        return Supervisor(Control(f"{state.network}.1", state.password))

    @property
    def definition(self) -> Definition:
        """What it was started from."""
        return read_definition(self._file, self.state.variables)

    @property
    def programs(self) -> dict[str, Program]:
        """Its processes by name."""
        return {one.name: one for one in programs_of(self.definition, self.state.network, self.layout)}

    @property
    def runs(self) -> bool:
        """Whether it runs now."""
        try:
            return self.supervisor.runs
        except StackDown:
            return False

    def address(self, role: str) -> str:
        """Return where the first process of a role listens."""
        return next(one.address for one in self.programs.values() if one.role.name == role)

    def environment(self, name: str) -> dict[str, str]:
        """Return all variables of a process, for a command that is to be one of the role.

        Raises:
            StackDown: The stack does not run.
        """
        return {**common_environment(self.layout), **self.programs[name].environment, "HOSTNAME": name}

    def here(self, words: Sequence[str]) -> list[str]:
        """Return the words of a command with this machine's addresses in the place of roles' names."""
        definition = self.definition
        places = Places(addresses(self.state.network, tuple(definition.roles)), own="127.0.0.1")
        return [places.addressed(word) for word in words]

    @property
    def dags(self) -> Path:
        """The folder in which Airflow looks for DAG files."""
        return Path(self.environment("airflow-dag-processor")["AIRFLOW__CORE__DAGS_FOLDER"])

    def secret(self, name: str) -> str:
        """Return a secret of the stack, with this machine's addresses."""
        return (self.layout.run / "secrets" / name).read_text()

    def status(self) -> list[ProcessStatus]:
        """Return how all processes stand; health checks run side by side.

        Raises:
            StackDown: The stack does not run.
        """
        infos = self.supervisor.processes()
        programs = list(self.programs.values())
        with ThreadPoolExecutor(max_workers=4) as pool:
            passed = list(pool.map(self._starter.is_healthy, programs))
        return [status_of(one, infos[one.name], passes=well) for one, well in zip(programs, passed, strict=True)]

    def pages(self) -> list[Page]:
        """Return what people open in a browser."""
        secrets = self.layout.secrets
        logins = f"admin, operator, author or viewer; passwords: {secrets / 'logins.json'}"
        tracking = f"admin; password: {secrets / 'mlflow_auth.ini'}"
        return [
            Page("Airflow", f"http://{self.address('airflow-api-server')}:8080", logins),
            Page("MLflow", f"http://{self.address('mlflow')}:5000", tracking),
            Page("Prometheus", f"http://{self.address('prometheus')}:9090", "no login"),
            Page("Alertmanager", f"http://{self.address('alertmanager')}:9093", "no login"),
        ]

    # --- up

    def up(self, variables: Mapping[str, str], on_progress: Progress) -> None:
        """Start everything, and return when all of it is healthy.

        Args:
            variables: What `${NAME}` stands for in the definition.
            on_progress: Is told what happens.

        Raises:
            StackRuns: It runs already.
            ProgramsMissing: Debian's packages are missing.
            RoleFailed: A role did not become healthy; everything was ended again, and the logs are there.
        """
        require_programs(common_environment(self.layout)["PATH"])
        private_folder(self.layout.root)
        with self._locked():
            if self.runs:
                raise StackRuns(
                    "The stack runs already: nightshift stack status. To start it anew: nightshift stack down"
                )
            self._clear(on_progress)
            try:
                self._start(variables, on_progress)
            except BaseException:
                self._end(on_progress)
                raise

    def _start(self, variables: Mapping[str, str], on_progress: Progress) -> None:
        definition = read_definition(self._file, variables)
        network = free_network()
        control = Control.at(f"{network}.1")
        self._make_secrets()
        write_files(definition, network, self.layout)
        private_folder(self.layout.logs)
        used = {name: value for name, value in variables.items() if name in _variables_of(self._file)}
        self._note(State(network, control.password, used))
        programs = programs_of(definition, network, self.layout)
        user = postgres.server_user()
        text = configuration(
            programs,
            control,
            logs=self.layout.logs,
            run=self.layout.run,
            common=common_environment(self.layout),
            folder=REPOSITORY,
            users={"postgres": user} if user else {},
        )
        start(self.layout.configuration, text)
        deadline = time.monotonic() + ENDS_SECONDS
        while not self.runs:
            if time.monotonic() > deadline:
                raise RoleFailed(f"supervisord does not answer. Its log: {self.layout.logs / 'supervisord.log'}")
            time.sleep(POLL_SECONDS)
        self._starter.start_all(programs, on_progress)
        self._note(State(network, control.password, used, healthy=True))

    def restart(self, names: Iterable[str], on_progress: Progress) -> None:
        """End processes well, start them again, and return when they are healthy.

        Raises:
            RoleFailed: One does not become healthy.
        """
        write_files(self.definition, self.state.network, self.layout)  # links to new DAG files, changed configuration
        names = list(names)
        self.end(names, on_progress)
        self.begin(names, on_progress)

    def end(self, names: Iterable[str], on_progress: Progress) -> None:
        """End processes well, and leave them so."""
        wanted, supervisor = [self.programs[name] for name in names], self.supervisor
        for one in wanted:
            on_progress(f"{one.name} ends")
            supervisor.stop(one.name)
        patience = max((one.role.stop_seconds for one in wanted), default=0.0)
        self._starter.until_ended([one.name for one in wanted], patience + ENDS_SECONDS)

    def begin(self, names: Iterable[str], on_progress: Progress) -> None:
        """Start processes that were ended, all at once, and return when they are healthy.

        Raises:
            RoleFailed: One does not become healthy.
        """
        wanted, starter, since = [self.programs[name] for name in names], self._starter, time.monotonic()
        for one in wanted:
            on_progress(f"{one.name} starts")
            starter.start(one)
        starter.wait(wanted, since)

    # --- down

    def down(self, on_progress: Progress) -> bool:
        """End everything, and throw away all but the logs; return whether there was anything to end."""
        private_folder(self.layout.root)
        with self._locked():
            there = self.runs
            return self._end(on_progress) or there

    def _end(self, on_progress: Progress) -> bool:
        if self.runs:
            self._stop_all(on_progress)
            self.supervisor.shut_down()
            deadline = time.monotonic() + ENDS_SECONDS
            while self.runs and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
        return self._clear(on_progress)

    def _stop_all(self, on_progress: Progress) -> None:
        """Ask all to end, each before those that it needs; who takes longer than a minute is killed in the end."""
        supervisor = self.supervisor
        roles = starting_order({one.role.name: one.role for one in self.programs.values()}.values())
        keepers = [role.name for role in roles if not _waits_for_others(role.needs)]
        for group in ([role.name for role in roles if role.name not in keepers], keepers):
            names = [one.name for one in self.programs.values() if one.role.name in group]
            on_progress(f"ending {', '.join(dict.fromkeys(group))}")
            for name in names:
                supervisor.stop(name)
            self._starter.until_ended(names, ENDS_SECONDS)

    def _clear(self, on_progress: Progress) -> bool:
        """End processes that were left, and throw the data away; moto has forgotten the objects anyway."""
        killed, left = kill_members([], self.layout.name)
        if left:
            raise RoleFailed(f"These processes could not be ended: {', '.join(left)}.\nDo: end them by hand.")
        if killed:
            on_progress(f"{killed} processes had to be killed")
        for folder in (
            self.layout.run,
            self.layout.secrets,
            self.layout.root / "volumes",
            self.layout.volume("postgres"),
        ):
            shutil.rmtree(folder, ignore_errors=True)
        self.layout.state.unlink(missing_ok=True)
        return killed > 0

    # --- small things

    @property
    def _starter(self) -> Starter:
        return Starter(self.supervisor, self.layout, common_environment(self.layout))

    def _make_secrets(self) -> None:
        import secrets

        from nightshift.secrets.folder import initialise

        initialise(self.layout.secrets, secrets.token_bytes)

    def _note(self, state: State) -> None:
        replace_json_privately(self.layout.state, asdict(state))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self.layout.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise StackRuns("Somebody else is starting or ending this stack just now.") from None
        try:
            yield
        finally:
            os.close(descriptor)


def _waits_for_others(needs: Mapping[str, str]) -> bool:
    return any(need not in ABSENT for need, condition in needs.items() if condition in (HEALTHY, JOB))


def _variables_of(file: Path) -> set[str]:
    from nightshift.stack.definition import VARIABLE

    return {found["name"] for found in VARIABLE.finditer(file.read_text()) if found["name"]}
