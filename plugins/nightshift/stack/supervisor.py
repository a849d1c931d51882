"""Keeps the stack's processes alive: supervisord's configuration, and talking to it.

Each process ends with supervisord, however that ends (`setpriv --pdeathsig`), and has an environment of its own.
"""

from __future__ import annotations

import secrets
import shlex
import subprocess
import sys
import xmlrpc.client
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from nightshift.stack.errors import StackDown
from nightshift.stack.programs import Program
from pipelines.engine.home import write_privately

PORT = 9001
USER = "stack"
NOT_THERE = (OSError, HTTPException, xmlrpc.client.ProtocolError)
STARTS_SECONDS = 2
"""How long a process must live to count as started."""


@dataclass(frozen=True)
class Control:
    """Where supervisord listens, on loopback, and what it wants to hear."""

    address: str
    password: str

    @classmethod
    def at(cls, address: str) -> Control:
        """Return one with a new password."""
        return cls(address, secrets.token_urlsafe(24))


def configuration(
    programs: Iterable[Program],
    control: Control,
    *,
    logs: Path,
    run: Path,
    common: Mapping[str, str],
    folder: Path,
    users: Mapping[str, str],
) -> str:
    """Return what supervisord reads.

    Args:
        programs: All processes; none is started by itself.
        control: Where it listens.
        logs: Folder for one log per process.
        run: Folder for its own files.
        common: Variables that all processes have.
        folder: Where they work.
        users: Role to the user that it runs as, where that is another one.
    """
    blocks: list[tuple[str, Mapping[str, Any]]] = [
        (
            "supervisord",
            {
                "logfile": logs / "supervisord.log",
                "pidfile": run / "supervisord.pid",
                "childlogdir": logs,
                "umask": "077",
            },
        ),
        ("inet_http_server", {"port": f"{control.address}:{PORT}", "username": USER, "password": control.password}),
        (
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
        *((f"program:{one.name}", _options(one, logs, common, folder, users)) for one in programs),
    ]
    return "\n".join(
        "\n".join([f"[{title}]", *(f"{key} = {value}" for key, value in options.items()), ""])
        for title, options in blocks
    )


def _options(
    program: Program, logs: Path, common: Mapping[str, str], folder: Path, users: Mapping[str, str]
) -> dict[str, Any]:
    role = program.role
    options: dict[str, Any] = {
        "command": command(program, common).replace("%", "%%"),
        "directory": "/" if role.name in users else folder,  # another user may not be let into ours
        "autostart": "false",
        "autorestart": "false" if role.is_job else "true",
        "startsecs": 0 if role.is_job else STARTS_SECONDS,
        "startretries": 3,
        "stopsignal": role.stop_signal.removeprefix("SIG"),
        "stopwaitsecs": round(role.stop_seconds),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": logs / f"{program.name}.log",
        "stdout_logfile_maxbytes": "20MB",
        "stdout_logfile_backups": 2,
    }
    return options | ({"user": users[role.name]} if role.name in users else {})


def command(program: Program, common: Mapping[str, str]) -> str:
    """Return the command line of a process: bound to its parent's life, with its own environment and nothing else."""
    variables = {**common, **program.environment, "HOSTNAME": program.name}
    words = ["setpriv", "--pdeathsig", "TERM", "env", "-i", *(f"{key}={value}" for key, value in variables.items())]
    return shlex.join([*words, *program.words])


def start(configured: Path, text: str) -> None:
    """Start supervisord, which goes on when we end.

    Raises:
        subprocess.CalledProcessError: It does not start.
    """
    with write_privately(configured) as file:
        file.write(text)
    subprocess.run(  # noqa: S603 - our own interpreter and file
        [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(configured)],
        check=True,
        capture_output=True,
        text=True,
        cwd=configured.parent,
    )


class Supervisor:
    """Talks to supervisord.

    Args:
        control: Where it listens.
    """

    def __init__(self, control: Control) -> None:
        where = f"http://{USER}:{control.password}@{control.address}:{PORT}/RPC2"
        self._server = xmlrpc.client.ServerProxy(where, allow_none=True)

    @property
    def runs(self) -> bool:
        """Whether it answers."""
        with suppress(StackDown):
            return bool(self._ask("getState"))
        return False

    def start(self, name: str) -> None:
        """Start a process, and do not wait for it."""
        self._ask("startProcess", name, False)

    def stop(self, name: str) -> None:
        """Ask a process to end, and do not wait for it; one that has ended already is left alone."""
        with suppress(xmlrpc.client.Fault):
            self._ask("stopProcess", name, False)

    def signal(self, name: str, number: str) -> None:
        """Send a signal such as `KILL` to a process; it is started anew when that ends it."""
        self._ask("signalProcess", name, number)

    def processes(self) -> dict[str, dict[str, Any]]:
        """Return what is known of each process: `statename`, `exitstatus`, `pid`, `start`, `now`."""
        return {info["name"]: info for info in self._ask("getAllProcessInfo")}

    def shut_down(self) -> None:
        """End supervisord and what it keeps."""
        with suppress(StackDown):
            self._ask("shutdown")

    def _ask(self, method: str, *words: Any) -> Any:
        try:
            return getattr(self._server.supervisor, method)(*words)
        except NOT_THERE as error:
            raise StackDown("The stack does not run. Start it: nightshift stack up") from error
