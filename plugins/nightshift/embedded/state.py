"""Who owns the tree: a lock that dies with its holder, and a file that says what belongs to it."""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import psutil

from nightshift.embedded.errors import AlreadyRunning
from nightshift.embedded.processes import Identity, boot_id
from pipelines.engine.home import private_folder, replace_json_privately

if TYPE_CHECKING:
    from pathlib import Path

    from nightshift.embedded.layout import Layout


_PROBE_SECONDS = 0.5
"""Somebody who only looks (`is_owned`) holds a shared lock for an instant: wait it out."""


@dataclass(frozen=True, slots=True)
class State:
    """What the owner wrote down last."""

    tree: str
    owner: Identity
    url: str
    repository: str
    boot: str
    phase: str = "starting"
    """What is being done; `healthy`; or `failed`."""
    error: str | None = None
    error_kind: str | None = None
    """The message and the class name of the error that it ended with."""
    login: bool = False
    """Whether it asks for a name and a password."""
    roles: dict[str, Identity] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    """How often each process was started anew after it ended by itself."""

    @property
    def healthy(self) -> bool:
        """Whether the tree was healthy when this was written."""
        return self.phase == "healthy"

    def sessions(self) -> list[int]:
        """The sessions that only the tree's processes can be in.

        A number of an earlier boot, or one that another process has by now, says nothing.
        """
        if self.boot != boot_id():
            return []
        return [role.pid for role in self.roles.values() if role.alive() or not psutil.pid_exists(role.pid)]

    def now(self, phase: str) -> State:
        """The same tree in another phase."""
        return replace(self, phase=phase)

    def failed(self, error: BaseException) -> State:
        """The same tree after its end."""
        return replace(self, phase="failed", error=str(error) or repr(error), error_kind=type(error).__name__)


def read_state(path: Path) -> State | None:
    """The state last written, or None if there is none that can be read."""
    try:
        raw = json.loads(path.read_text())
        roles = {role: Identity(**identity) for role, identity in raw.pop("roles").items()}
        return State(owner=Identity(**raw.pop("owner")), roles=roles, **raw)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write_state(path: Path, state: State) -> None:
    """Replace the state in one step: readers see the old one or the new one."""
    replace_json_privately(path, asdict(state))


class Ownership:
    """The lock of one home. The system gives it back when its holder dies, however it dies."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def take(self) -> None:
        """Become the owner.

        Raises:
            AlreadyRunning: another process is.
        """
        if self.held:
            return
        private_folder(self._layout.airflow_home)
        # Closed on exec, so that children do not hold it.
        descriptor = os.open(self._layout.lock, os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock(descriptor, fcntl.LOCK_EX, patience=_PROBE_SECONDS):
            os.close(descriptor)
            raise _already_running(self._layout)
        self._descriptor = descriptor

    def give_back(self) -> None:
        """Stop being the owner."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_owned(layout: Layout) -> bool:
    """Whether some process owns this home's tree now."""
    try:
        descriptor = os.open(layout.lock, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _lock(descriptor, fcntl.LOCK_SH, patience=0.0)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int, *, patience: float) -> bool:
    """Take a lock, or give up after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        else:
            return True


def _already_running(layout: Layout) -> AlreadyRunning:
    state = read_state(layout.state)
    where = f" at {state.url} (process {state.owner.pid}, {state.phase})" if state else ""
    message = (
        f"Airflow of {layout.home} is already running{where}.\n"
        "Do: use it, stop it with `nightshift down`, or set NIGHTSHIFT_HOME to another folder."
    )
    return AlreadyRunning(message, url=state.url if state else None, pid=state.owner.pid if state else None)
