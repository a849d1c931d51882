"""Starting and ending the stack: in the definition's order, with its health checks."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from nightshift.embedded.processes import TREE_VARIABLE, kill_members, last_lines
from nightshift.stack import postgres
from nightshift.stack.definition import HEALTHY, JOB, Definition, read_definition
from nightshift.stack.errors import ProgramsMissing, RoleFailed, StackDown, StackRuns
from nightshift.stack.layout import StackLayout
from nightshift.stack.order import may_start, starting_order
from nightshift.stack.places import Places, addresses
from nightshift.stack.programs import ABSENT, PACKAGES, Program
from nightshift.stack.rendering import programs_of, write_files
from nightshift.stack.status import Page, ProcessStatus, status_of
from nightshift.stack.supervisor import PORT, Control, Supervisor, configuration, start
from pipelines.engine.home import private_folder, replace_json_privately
from pipelines.engine.settings import REPOSITORY

FILE = REPOSITORY / "docker" / "compose.yaml"
NETWORKS = tuple(f"127.71.{number}" for number in range(1, 255))
POLL_SECONDS = 0.5
JOB_SECONDS = 300.0
STARTED_SECONDS = 60.0
"""How long a job, and a role without a health check, may take."""
ENDS_SECONDS = 60.0
KEPT_VARIABLES = ("LANG", "LC_ALL", "TZ", "PYTHONPATH", "SSL_CERT_FILE", "FAKETIME", "LD_PRELOAD")

Progress = Callable[[str], None]


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
        return {**self._common(), **self.programs[name].environment, "HOSTNAME": name}

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
            passed = list(pool.map(self.is_healthy, programs))
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
        missing_programs(self._common()["PATH"])
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
            common=self._common(),
            folder=REPOSITORY,
            users={"postgres": user} if user else {},
        )
        start(self.layout.configuration, text)
        self._until(lambda: self.supervisor.runs, "supervisord does not answer")
        self._start_all(programs, on_progress)
        self._note(State(network, control.password, used, healthy=True))

    def _start_all(self, programs: Sequence[Program], on_progress: Progress) -> None:
        by_role = {
            role.name: [one for one in programs if one.role.name == role.name]
            for role in starting_order([one.role for one in programs])
        }
        started: dict[str, float] = {}
        ready: set[str] = set()
        while len(ready) < len(by_role):
            for role, ones in by_role.items():
                if role not in started and may_start(ones[0].role, started, ready, ABSENT):
                    on_progress(f"{role} starts")
                    for one in ones:
                        self._start_one(one)
                    started[role] = time.monotonic()
            for role in [role for role in started if role not in ready]:
                if all(self._is_ready(one, started[role]) for one in by_role[role]):
                    ready.add(role)
                    on_progress(
                        f"{role} is {'done' if by_role[role][0].role.is_job else 'up'} ({time.monotonic() - started[role]:.0f} s)"
                    )
            time.sleep(POLL_SECONDS)

    def _start_one(self, program: Program) -> None:
        if program.role.program != "postgres":
            self.supervisor.start(program.name)
            return
        data, password = Path(_after(program.words, "-D")), self.secret("postgres_password").strip()
        postgres.make_folder(program, data, password, self._common())
        self.supervisor.start(program.name)
        self._until(lambda: postgres.answers(program, self._common()), "Postgres does not answer", program)
        # The files were mounted with this machine's addresses and paths in them.
        first = self.layout.run / "config" / program.name / postgres.FIRST_FILES.strip("/")
        postgres.run_first_files(program, first, password, self._common())

    def _is_ready(self, program: Program, since: float) -> bool:
        info = self.supervisor.processes()[program.name]
        state, waited = info["statename"], time.monotonic() - since
        if program.role.is_job:
            if state == "EXITED" and info["exitstatus"] == 0:
                return True
            if state in ("EXITED", "FATAL") or waited > JOB_SECONDS:
                raise self._failed(program, f"failed with exit code {info['exitstatus']}")
            return False
        if (state in ("FATAL", "BACKOFF") and waited > STARTED_SECONDS / 2) or state == "FATAL":
            raise self._failed(program, "does not stay alive")
        if state != "RUNNING":
            return False
        if program.health is None:
            return True
        if self.is_healthy(program):
            return True
        if waited > program.health.patience:
            raise self._failed(program, f"was not healthy after {waited:.0f} s")
        return False

    def is_healthy(self, program: Program) -> bool:
        """Whether a process passes its health check; one without a check is healthy."""
        if program.health is None:
            return True
        variables = {**self._common(), **program.environment, "HOSTNAME": program.name}
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
        self._until_ended([one.name for one in wanted], patience + STARTED_SECONDS)

    def begin(self, names: Iterable[str], on_progress: Progress) -> None:
        """Start processes that were ended, all at once, and return when they are healthy.

        Raises:
            RoleFailed: One does not become healthy.
        """
        wanted, since = [self.programs[name] for name in names], time.monotonic()
        for one in wanted:
            on_progress(f"{one.name} starts")
            self.supervisor.start(one.name)
        while not all(self._is_ready(one, since) for one in wanted):
            time.sleep(POLL_SECONDS)

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
            self._until_ended(names, ENDS_SECONDS)

    def _until_ended(self, names: Sequence[str], patience: float) -> None:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            states = self.supervisor.processes()
            if all(states[name]["statename"] not in ("STOPPING", "RUNNING", "STARTING") for name in names):
                return
            time.sleep(POLL_SECONDS)

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

    def _common(self) -> dict[str, str]:
        """Variables that every process has, whatever its role."""
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        folders = [
            Path(sys.executable).parent,
            *_postgres_programs(),
            "/usr/local/bin",
            "/usr/bin",
            "/bin",
            "/usr/sbin",
        ]
        return kept | {
            "PATH": os.pathsep.join(map(str, folders)),
            "HOME": str(self.layout.root),
            "NO_PROXY": "*",
            "no_proxy": "*",
            TREE_VARIABLE: self.layout.name,
        }

    def _make_secrets(self) -> None:
        import secrets

        from nightshift.secrets.folder import initialise

        initialise(self.layout.secrets, secrets.token_bytes)

    def _note(self, state: State) -> None:
        replace_json_privately(self.layout.state, asdict(state))

    def _until(self, true: Callable[[], bool], otherwise: str, program: Program | None = None) -> None:
        deadline = time.monotonic() + STARTED_SECONDS
        while not true():
            if time.monotonic() > deadline:
                raise (
                    self._failed(program, otherwise)
                    if program
                    else RoleFailed(f"{otherwise}. Logs: {self.layout.logs}")
                )
            time.sleep(POLL_SECONDS / 2)

    def _failed(self, program: Program, what: str) -> RoleFailed:
        log = self.layout.logs / f"{program.name}.log"
        lines = "\n".join(f"  | {line}" for line in last_lines(log, 12))
        return RoleFailed(f"{program.name} {what}. The end of its log:\n{lines}\nLog: {log}")

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


def missing_programs(path: str) -> None:
    """Look whether the programs of Debian are there.

    Raises:
        ProgramsMissing: Some are not, with the packages to install.
    """
    missing = [name for name in PACKAGES if shutil.which(name, path=path) is None]
    if missing:
        packages = " ".join(dict.fromkeys(PACKAGES[name] for name in missing))
        raise ProgramsMissing(
            f"The stack needs programs that are not on this machine: {', '.join(missing)}.\n"
            f"Do (on Debian): apt-get install {packages}"
        )


def free_network() -> str:
    """Return three numbers of loopback under which nobody listens yet.

    Raises:
        RoleFailed: There are none, or this system has one loopback address only.
    """
    for network in NETWORKS:
        with socket.socket() as probe:
            try:
                probe.bind((f"{network}.1", PORT))
            except OSError:
                continue
            return network
    raise RoleFailed(
        "No free addresses below 127.71.0.0 were found. The stack needs Linux, where all of 127.0.0.0/8 is this machine."
    )


def _postgres_programs() -> list[Path]:
    """Where Debian has the programs of Postgres's server, the newest version first: on nobody's path."""
    from nightshift.drill.servers.database import find_binaries
    from nightshift.drill.servers.errors import NotInstalled

    try:
        return [find_binaries()]
    except NotInstalled:
        return []


def _waits_for_others(needs: Mapping[str, str]) -> bool:
    return any(need not in ABSENT for need, condition in needs.items() if condition in (HEALTHY, JOB))


def _variables_of(file: Path) -> set[str]:
    from nightshift.stack.definition import VARIABLE

    return {found["name"] for found in VARIABLE.finditer(file.read_text()) if found["name"]}


def _after(words: Sequence[str], option: str) -> str:
    return words[words.index(option) + 1]
